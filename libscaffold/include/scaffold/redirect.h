/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Relinking: a program whose source stays as it is, compiled with `-include scaffold/redirect.h`
 * and linked with libscaffold, calls libscaffold where it says libc's names; for plain IP nothing
 * changes. `nm -u` shows which names were reached.
 *
 * No header is included and nothing is declared, so the program's own feature macros and the order
 * of its includes keep their meaning. What a compiler flag makes libc's headers rename first stays
 * libc's: fcntl under _FILE_OFFSET_BITS=64 (duplicates made by F_DUPFD before connect are then not
 * repaired), and under FORTIFY those recv and recvfrom calls whose buffer has no known size (a dead
 * flow's errno is then ECONNRESET, whatever the reason was).
 */
#ifndef SCAFFOLD_REDIRECT_H
#define SCAFFOLD_REDIRECT_H

#pragma redefine_extname bind scaffold_bind
#pragma redefine_extname listen scaffold_listen
#pragma redefine_extname accept scaffold_accept
#pragma redefine_extname accept4 scaffold_accept4
#pragma redefine_extname connect scaffold_connect
#pragma redefine_extname shutdown scaffold_shutdown
#pragma redefine_extname getsockname scaffold_getsockname
#pragma redefine_extname getpeername scaffold_getpeername
#pragma redefine_extname getsockopt scaffold_getsockopt
#pragma redefine_extname setsockopt scaffold_setsockopt
#pragma redefine_extname close scaffold_close
#pragma redefine_extname dup scaffold_dup
#pragma redefine_extname dup2 scaffold_dup2
#pragma redefine_extname dup3 scaffold_dup3
#pragma redefine_extname fcntl scaffold_fcntl
#pragma redefine_extname ioctl scaffold_ioctl
#pragma redefine_extname epoll_ctl scaffold_epoll_ctl
#pragma redefine_extname send scaffold_send
#pragma redefine_extname sendto scaffold_sendto
#pragma redefine_extname sendmsg scaffold_sendmsg
#pragma redefine_extname recv scaffold_recv
#pragma redefine_extname recvfrom scaffold_recvfrom
#pragma redefine_extname recvmsg scaffold_recvmsg
#pragma redefine_extname __recv_chk scaffold_recv_chk
#pragma redefine_extname __recvfrom_chk scaffold_recvfrom_chk
#pragma redefine_extname getaddrinfo scaffold_getaddrinfo
#pragma redefine_extname getnameinfo scaffold_getnameinfo
#pragma redefine_extname gethostbyname scaffold_gethostbyname
#pragma redefine_extname gethostbyname2 scaffold_gethostbyname2
#pragma redefine_extname gethostbyname_r scaffold_gethostbyname_r
#pragma redefine_extname gethostbyaddr scaffold_gethostbyaddr

#endif
