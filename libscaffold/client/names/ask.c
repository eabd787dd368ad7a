#include "client/names/ask.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "client/names/meanings.h"
#include "client/process/control.h"
#include "client/process/explain.h"
#include "client/process/policy.h"

bool sc_is_scaffold_name(const char *name)
{
    static const char suffix[] = ".scaffold";
    size_t len = name ? strnlen(name, SC_CTL_NAME) : 0;
    if (len > 0 && name[len - 1] == '.')
        len--;
    return len > strlen(suffix) &&
           strncasecmp(name + len - strlen(suffix), suffix, strlen(suffix)) == 0;
}

/* One failure, for those who look names up and for those who call sockets. */
static int both_errors(int eai, int error)
{
    sc_explain_both(error, eai);
    errno = error;
    return eai;
}

int sc_resolve(const char *name, struct sc_ctl_reply *r)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_RESOLVE);
    size_t len = strlen(name);
    if (len >= sizeof q.resolve.name) {
        sc_explain(EAI_NONAME, "the name is longer than 253 characters");
        return both_errors(EAI_NONAME, EINVAL);
    }
    memcpy(q.resolve.name, name, len);
    if (sc_control_call(&q, r, false) == 0) {
        sc_meanings_learn(&r->address, r->service);
        return 0;
    }
    if (errno > 0)
        return both_errors(EAI_AGAIN, errno);
    return both_errors(errno, (int)r->value); /* the reply has both */
}

bool sc_reverse(const struct sc_address *a, char name[SC_CTL_NAME])
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_REVERSE);
    struct sc_ctl_reply r;
    q.reverse.address = *a;
    int kept = errno;
    bool known = sc_control_call(&q, &r, true) == 0 && *r.name;
    errno = kept;
    if (!known)
        return false;
    r.name[strcspn(r.name, ":")] = 0;
    memcpy(name, r.name, SC_CTL_NAME);
    return true;
}

bool sc_pool_address(const void *addr, socklen_t len, int family, struct sc_address *a)
{
    if (family == AF_INET && len == 4) {
        uint32_t ip;
        memcpy(&ip, addr, sizeof ip);
        *a = sc_address_v4(ntohl(ip), 0);
    } else if (family == AF_INET6 && len == 16) {
        memcpy(a->ip, addr, sizeof a->ip);
        a->port = 0;
    } else {
        return false;
    }
    return sc_policy_in_pool(a);
}
