/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Relinking: a program whose source stays as it is, compiled with `-include scaffold/redirect.h`
 * and linked with libscaffold, calls libscaffold where it says libc's names; for plain IP nothing
 * changes. C++ methods that share a name are untouched. `nm -u` shows which names were reached.
 *
 * No header is included and nothing is declared, so the program's own feature macros and the order
 * of its includes keep their meaning.
 *
 * A compiler renames what the program declares. What libc's headers rename themselves, for 64-bit
 * files and under FORTIFY where the size of a buffer is not known, is renamed in the assembler; not
 * so under -flto, where those calls stay libc's: build with -fno-lto.
 */
#ifndef SCAFFOLD_REDIRECT_H
#define SCAFFOLD_REDIRECT_H

#pragma redefine_extname socket scaffold_socket
#pragma redefine_extname socketpair scaffold_socketpair
#pragma redefine_extname pidfd_getfd scaffold_pidfd_getfd
#pragma redefine_extname connect scaffold_connect
#pragma redefine_extname bind scaffold_bind
#pragma redefine_extname listen scaffold_listen
#pragma redefine_extname accept4 scaffold_accept4
#pragma redefine_extname accept scaffold_accept
#pragma redefine_extname getsockname scaffold_getsockname
#pragma redefine_extname getpeername scaffold_getpeername
#pragma redefine_extname getsockopt scaffold_getsockopt
#pragma redefine_extname setsockopt scaffold_setsockopt
#pragma redefine_extname shutdown scaffold_shutdown
#pragma redefine_extname close scaffold_close
#pragma redefine_extname close_range scaffold_close_range
#pragma redefine_extname closefrom scaffold_closefrom
#pragma redefine_extname _exit scaffold__exit
#pragma redefine_extname _Exit scaffold__Exit
#pragma redefine_extname quick_exit scaffold_quick_exit
#pragma redefine_extname dup scaffold_dup
#pragma redefine_extname dup2 scaffold_dup2
#pragma redefine_extname dup3 scaffold_dup3
#pragma redefine_extname fcntl scaffold_fcntl
#pragma redefine_extname fcntl64 scaffold_fcntl64
#pragma redefine_extname ioctl scaffold_ioctl
#pragma redefine_extname epoll_ctl scaffold_epoll_ctl
#pragma redefine_extname send scaffold_send
#pragma redefine_extname sendto scaffold_sendto
#pragma redefine_extname sendmsg scaffold_sendmsg
#pragma redefine_extname recv scaffold_recv
#pragma redefine_extname recvfrom scaffold_recvfrom
#pragma redefine_extname recvmsg scaffold_recvmsg
#pragma redefine_extname sendmmsg scaffold_sendmmsg
#pragma redefine_extname recvmmsg scaffold_recvmmsg
#pragma redefine_extname read scaffold_read
#pragma redefine_extname readv scaffold_readv
#pragma redefine_extname write scaffold_write
#pragma redefine_extname writev scaffold_writev
#pragma redefine_extname sendfile scaffold_sendfile
#pragma redefine_extname sendfile64 scaffold_sendfile64
#pragma redefine_extname __read_chk scaffold___read_chk
#pragma redefine_extname __recv_chk scaffold___recv_chk
#pragma redefine_extname __recvfrom_chk scaffold___recvfrom_chk
#pragma redefine_extname getaddrinfo scaffold_getaddrinfo
#pragma redefine_extname getaddrinfo_a scaffold_getaddrinfo_a
#pragma redefine_extname getnameinfo scaffold_getnameinfo
#pragma redefine_extname gethostbyname scaffold_gethostbyname
#pragma redefine_extname gethostbyname2 scaffold_gethostbyname2
#pragma redefine_extname gethostbyaddr scaffold_gethostbyaddr
#pragma redefine_extname gethostbyname_r scaffold_gethostbyname_r
#pragma redefine_extname gethostbyname2_r scaffold_gethostbyname2_r
#pragma redefine_extname gethostbyaddr_r scaffold_gethostbyaddr_r
#pragma redefine_extname __close scaffold___close
#pragma redefine_extname __connect scaffold___connect
#pragma redefine_extname __dup2 scaffold___dup2
#pragma redefine_extname __fcntl scaffold___fcntl
#pragma redefine_extname __read scaffold___read
#pragma redefine_extname __send scaffold___send
#pragma redefine_extname __write scaffold___write

__asm__(".set fcntl64, scaffold_fcntl64\n"
        ".set sendfile64, scaffold_sendfile64\n");

#if defined(_FORTIFY_SOURCE) && _FORTIFY_SOURCE > 0
__asm__(".set read, scaffold_read\n"
        ".set recv, scaffold_recv\n"
        ".set recvfrom, scaffold_recvfrom\n");
#endif

#endif
