#include "trap/relay/names.h"

#include <netdb.h>

#include "client/supervise.h"

size_t sc_trap_names_answer(const uint8_t *query, size_t len, uint8_t out[SC_DNS_ANSWER_MAX])
{
    struct sc_dns_question q;
    struct sc_ctl_reply r;
    if (!sc_dns_read(query, len, &q) || !sc_is_scaffold_name(q.name))
        return 0;
    int err = sc_resolve(q.name, &r);
    if (err)
        return sc_dns_answer(query, &q, err == EAI_NONAME ? SC_DNS_NXDOMAIN : SC_DNS_SERVFAIL, NULL,
                             0, out);
    if (q.type == SC_DNS_A)
        return sc_dns_answer(query, &q, SC_DNS_NOERROR, r.address.ip + 12, 4, out);
    if (q.type == SC_DNS_AAAA)
        return sc_dns_answer(query, &q, SC_DNS_NOERROR, r.address6.ip, 16, out);
    return sc_dns_answer(query, &q, SC_DNS_NOERROR, NULL, 0, out);
}
