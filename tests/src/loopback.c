/* Keeps a program on the loopback interface: an address of "any" becomes 127.0.0.1 when it is bound.
 * Orthanc 1.10 has no setting for the address it listens on. Loaded by LD_PRELOAD, in tests alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

int bind(int socket, const struct sockaddr *address, socklen_t length) {
    int (*system_bind)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
    struct sockaddr_storage own = {0};
    __builtin_memcpy(&own, address, length < sizeof own ? length : sizeof own);
    if (own.ss_family == AF_INET) {
        struct sockaddr_in *four = (struct sockaddr_in *)&own;
        if (four->sin_addr.s_addr == htonl(INADDR_ANY)) four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else if (own.ss_family == AF_INET6) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)&own;
        if (IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr)) six->sin6_addr = in6addr_loopback;
    } else {
        return system_bind(socket, address, length);
    }
    return system_bind(socket, (struct sockaddr *)&own, length);
}
