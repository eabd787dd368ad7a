/* Questions to a name server and answers to them, as far as names of services go (RFC 1035). Bytes
 * to values and back; nothing else. */
#ifndef SC_NAMING_DNS_H
#define SC_NAMING_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SC_DNS_A 1     /* RFC 1035, 3.2.2 */
#define SC_DNS_AAAA 28 /* RFC 3596 */

/* RFC 1035, 4.1.1 */
#define SC_DNS_NOERROR 0
#define SC_DNS_SERVFAIL 2
#define SC_DNS_NXDOMAIN 3

#define SC_DNS_ANSWER_MAX 512 /* RFC 1035, 4.2.1; ours are below 300 bytes */

struct sc_dns_question {
    char name[256]; /* with dots, without the last one */
    uint16_t type;
    size_t end; /* where the question ends in the datagram */
};

/* Reads a datagram with one question of class IN. False for anything else. */
bool sc_dns_read(const uint8_t *bytes, size_t len, struct sc_dns_question *q);

/* Writes the answer to it: a record with `data` of `data_len` bytes, none when that is 0. Returns
 * its length. */
size_t sc_dns_answer(const uint8_t *question, const struct sc_dns_question *q, unsigned rcode,
                     const void *data, size_t data_len, uint8_t out[SC_DNS_ANSWER_MAX]);

#endif
