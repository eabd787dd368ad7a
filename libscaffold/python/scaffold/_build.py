"""Emits the C of `scaffold._native`; CMake compiles it together with the client's objects.

API mode: the compiler checks every declaration below against the headers, so a change there that
this file does not know of fails the build instead of the program.
"""

import sys

import cffi

SOCKET_API = """
    #define AF_SCAFFOLD ...
    #define SCAFFOLD_SERVICE_STRLEN ...
    #define SCAFFOLD_ADDRSTRLEN ...

    typedef uint16_t sa_family_t;
    typedef uint32_t socklen_t;
    struct sockaddr { sa_family_t sa_family; ...; };
    struct sockaddr_storage { sa_family_t ss_family; ...; };
    struct scaffold_service_id { uint8_t bytes[32]; };
    struct sockaddr_scaffold {
        sa_family_t sc_family; struct scaffold_service_id sc_service; ...;
    };
    struct iovec { void *iov_base; size_t iov_len; };
    struct msghdr {
        void *msg_name; socklen_t msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
        void *msg_control; size_t msg_controllen; int msg_flags;
    };
    struct addrinfo {
        int ai_flags; int ai_family; int ai_socktype; int ai_protocol;
        socklen_t ai_addrlen; struct sockaddr *ai_addr; char *ai_canonname;
        struct addrinfo *ai_next; ...;
    };

    int scaffold_socket(int domain, int type, int protocol);
    int scaffold_bind(int fd, const struct sockaddr *addr, socklen_t len);
    int scaffold_listen(int fd, int backlog);
    int scaffold_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
    int scaffold_connect(int fd, const struct sockaddr *addr, socklen_t len);
    int scaffold_shutdown(int fd, int how);
    int scaffold_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
    int scaffold_getpeername(int fd, struct sockaddr *addr, socklen_t *len);
    int scaffold_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
    int scaffold_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
    ssize_t scaffold_sendmsg(int fd, const struct msghdr *msg, int flags);
    ssize_t scaffold_recvmsg(int fd, struct msghdr *msg, int flags);
    int scaffold_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                             struct addrinfo **res);
    void scaffold_freeaddrinfo(struct addrinfo *res);
    const char *scaffold_inet_ntop(int family, const void *ip, char *text, socklen_t size);
    int scaffold_service_parse(const char *text, struct sockaddr_scaffold *addr);
    int scaffold_service_format(const struct sockaddr_scaffold *addr, char *buf, size_t size);
    const char *scaffold_strerror(int error);
    const char *gai_strerror(int error);
    const char *scaffold_version(void);
"""

CONTROL = """
    #define SC_CTL_MAGIC ...
    #define SC_CTL_VERSION ...
    #define SC_CTL_HELLO ...
    #define SC_CTL_STATUS ...
    #define SC_CTL_STOP ...
    #define SC_CTL_INVITE ...
    #define SC_CTL_FORGET_HOST ...
    #define SC_CTL_TRUST ...
    #define SC_CTL_NEW_PROVIDER ...
    #define SC_CTL_GRANT ...
    #define SC_CTL_INSTALL ...
    #define SC_CTL_TEXT ...
    #define SC_CTL_GRANT_MAX ...

    struct sc_ctl_invite { uint32_t uses; uint32_t seconds; ...; };
    struct sc_ctl_host { char name[...]; ...; };
    struct sc_ctl_trust { char alias[64]; uint8_t key[32]; uint8_t replace; ...; };
    struct sc_ctl_grant {
        char name[...]; uint8_t host[32]; uint16_t first_port; uint16_t last_port; uint8_t proto;
        uint8_t flags; uint16_t days; ...;
    };
    struct sc_ctl_kept { uint16_t len; uint8_t grant[...]; ...; };
    struct sc_ctl_request {
        uint32_t magic; uint16_t version; uint16_t op; uint64_t netns;
        struct sc_ctl_invite invite; struct sc_ctl_host host; struct sc_ctl_trust trust;
        struct sc_ctl_grant grant; struct sc_ctl_kept install; ...;
    };
    struct sc_ctl_reply {
        uint32_t magic; uint16_t version; uint16_t op; int32_t error; char text[...];
        char name[...]; ...;
    };
    struct sc_daemon_id { uint32_t uid; uint32_t instance; };
    struct sc_place { char dir[...]; struct sc_daemon_id id; bool own; ...; };
    struct sc_places { struct sc_place at[...]; unsigned count; ...; };
    struct sockaddr_un { ...; };
    uint32_t sc_instance_of(const char *runtime_dir);
    socklen_t sc_socket_name_control(struct sc_daemon_id id, struct sockaddr_un *out);
    const struct sc_places *sc_daemon_places(void);
    size_t sc_daemon_text(char *out, size_t size);
    int sc_control_find(void);
"""

DESCRIPTORS = """
    void sc_note_passed(int fd);
    void sc_note_service_socket(void);
    int sc_send_error(int fd, int error);
    int sc_recv_error(int fd, int error);
"""

SOURCE = """
    #include <sys/socket.h>
    #include <sys/un.h>
    #include <netdb.h>
    #include "scaffold/scaffold.h"
    #include "client/client.h"
    #include "client/process/control.h"
    #include "client/process/daemon.h"
    #include "client/socket/adopt.h"
    #include "local/ctl.h"
    #include "local/socket_name.h"
"""


def main(path: str) -> None:
    """Write the module's C source to `path`."""
    ffi = cffi.FFI()
    ffi.cdef(SOCKET_API)
    ffi.cdef(CONTROL)
    ffi.cdef(DESCRIPTORS)
    ffi.set_source("scaffold._native", SOURCE)
    ffi.emit_c_code(path)


if __name__ == "__main__":
    main(sys.argv[1])
