/* What a program's resolver, or anybody on loopback, may send to the trap's relay: a question that
 * reads well has a name without zeros that ends within its field, and an answer that fits. */
#include <string.h>

#include "fuzz.h"
#include "naming/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_dns_question q;
    uint8_t out[SC_DNS_ANSWER_MAX], address[16] = {0};
    if (!sc_dns_read(data, size, &q))
        return 0;
    require(q.end <= size && strlen(q.name) < sizeof q.name);
    size_t len = sc_dns_answer(data, &q, SC_DNS_NOERROR, address, sizeof address, out);
    require(len == q.end + 12 + sizeof address && len <= sizeof out);
    require(sc_dns_answer(data, &q, SC_DNS_NXDOMAIN, NULL, 0, out) == q.end);
    return 0;
}
