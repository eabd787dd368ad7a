#include "channel/channel.h"

#define PROTECTED_BIT 0x10
#define NUMBER_AT (SC_HEADER_LEN - 8)

/* What is authenticated of the header: routers count the hop limit down, and each key is one
 * channel's. */
static struct sc_field header_of(const uint8_t *packet, uint8_t copy[SC_HEADER_LEN])
{
    memset(copy, 0, SC_HEADER_LEN);
    copy[0] = packet[0];
    memcpy(copy + NUMBER_AT, packet + NUMBER_AT, SC_HEADER_LEN - NUMBER_AT);
    return (struct sc_field){copy, SC_HEADER_LEN};
}

size_t sc_channel_seal(struct sc_channel *s, struct sc_aead *a, const uint8_t *packet, size_t len,
                       uint8_t *out)
{
    uint8_t copy[SC_HEADER_LEN];
    uint64_t number = s->sent++;
    struct sc_writer w = sc_writer(out, SC_HEADER_LEN);
    struct sc_header h = {.flow = s->peer_id, .number = number};
    sc_header_write(&w, &h);
    out[0] = packet[0] | PROTECTED_BIT;
    out[1] = packet[1];
    struct sc_field header = header_of(out, copy), plain = {packet + 2, len - 2};
    return SC_HEADER_LEN + sc_aead_seal(a, &s->keys.seal, number, (struct sc_pieces){&header, 1},
                                        (struct sc_pieces){&plain, 1}, out + SC_HEADER_LEN);
}

uint8_t *sc_channel_open(struct sc_channel *s, struct sc_aead *a, uint8_t *data, size_t len,
                         size_t *inner)
{
    uint8_t copy[SC_HEADER_LEN];
    struct sc_reader r = sc_reader(data, len);
    struct sc_header h;
    sc_header_read(&r, &h);
    if (r.bad || len < SC_HEADER_LEN + SC_CHANNEL_OVERHEAD ||
        !sc_window_fits(&s->received, h.number))
        return NULL;
    uint8_t first[2] = {data[0] & (uint8_t)~PROTECTED_BIT, data[1]};
    struct sc_field header = header_of(data, copy);
    struct sc_field sealed = {data + SC_HEADER_LEN, len - SC_HEADER_LEN};
    if (!sc_aead_open(a, &s->keys.open, h.number, (struct sc_pieces){&header, 1}, sealed,
                      data + SC_HEADER_LEN))
        return NULL;
    sc_window_take(&s->received, h.number);
    memcpy(data + SC_CHANNEL_SHIFT, first, sizeof first);
    *inner = len - SC_CHANNEL_OVERHEAD;
    return data + SC_CHANNEL_SHIFT;
}
