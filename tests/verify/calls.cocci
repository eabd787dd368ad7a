// What a porter would write today to find the same calls.
@@
identifier f =~ "^(socket|connect|bind|listen|accept|accept4|getaddrinfo|gethostbyname|getnameinfo|getsockname|getpeername|setsockopt|sendto|recvfrom|sendmsg|recvmsg|inet_ntoa|inet_aton|inet_pton|inet_ntop|htons|ntohs)$";
@@
* f(...)
