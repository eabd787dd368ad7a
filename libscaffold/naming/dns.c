#include "naming/dns.h"

#include <string.h>

#define HEAD 12          /* RFC 1035, 4.1.1 */
#define TTL 30           /* seconds; an address is stable, but scaffoldd may get another pool */
#define QUESTION_MAX 259 /* a name of 255 bytes, type and class */

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* The labels from `at` on as text. Returns where they end, 0 when they do not. A question that is
 * the first name of its datagram has nothing to point back to, so there is no compression. */
static size_t read_name(const uint8_t *bytes, size_t len, size_t at, char name[256])
{
    size_t used = 0;
    while (at < len && bytes[at] != 0) {
        size_t label = bytes[at++];
        if (label > 63 || at + label > len || used + label + 1 > 255 ||
            memchr(bytes + at, 0, label) || memchr(bytes + at, '.', label))
            return 0;
        memcpy(name + used, bytes + at, label);
        used += label;
        name[used++] = '.';
        at += label;
    }
    name[used ? used - 1 : 0] = 0;
    return at < len ? at + 1 : 0;
}

bool sc_dns_read(const uint8_t *bytes, size_t len, struct sc_dns_question *q)
{
    /* A query (QR 0, opcode 0) with one question. */
    if (len < HEAD || (bytes[2] & 0xf8) != 0 || get16(bytes + 4) != 1)
        return false;
    size_t at = read_name(bytes, len, HEAD, q->name);
    if (at == 0 || at + 4 > len || get16(bytes + at + 2) != 1)
        return false;
    q->type = get16(bytes + at);
    q->end = at + 4;
    return q->end - HEAD <= QUESTION_MAX;
}

size_t sc_dns_answer(const uint8_t *question, const struct sc_dns_question *q, unsigned rcode,
                     const void *data, size_t data_len, uint8_t out[SC_DNS_ANSWER_MAX])
{
    size_t at = q->end;
    memcpy(out, question, at);
    out[2] = (uint8_t)(0x84 | (question[2] & 1)); /* an authoritative answer; RD as asked */
    out[3] = (uint8_t)(0x80 | rcode);             /* recursion is available */
    memset(out + 4, 0, 8);
    out[5] = 1;
    if (data_len == 0)
        return at;
    const uint8_t record[] = {0xc0, HEAD, (uint8_t)(q->type >> 8), (uint8_t)q->type, 0, 1, 0, 0, 0,
                              TTL,  0,    (uint8_t)data_len};
    out[7] = 1;
    memcpy(out + at, record, sizeof record);
    memcpy(out + at + sizeof record, data, data_len);
    return at + sizeof record + data_len;
}
