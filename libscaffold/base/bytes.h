/* Byte cursors: network byte order in and out, with a sticky error instead of a check per field.
 *
 * A reader never reads past `end`; after the first short read `bad` is set, every further read
 * yields zeros or NULL, and the caller tests once. A writer never writes past `end`; after the
 * first overflow `bad` is set and nothing more is written. */
#ifndef SC_BASE_BYTES_H
#define SC_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes of somebody else, in place: a field of a packet, a piece of what is sealed. */
struct sc_field {
    const uint8_t *data; /* may be NULL when there are none */
    size_t len;
};

/* Several of them, one behind the other. */
struct sc_pieces {
    const struct sc_field *piece;
    size_t count;
};

struct sc_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

struct sc_writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool bad;
};

/* `data` may be NULL when there are no bytes. */
static inline struct sc_reader sc_reader(const void *data, size_t len)
{
    const uint8_t *p = data ? data : ""; /* C has no arithmetic on NULL, not even with 0 */
    return (struct sc_reader){.at = p, .end = p + len, .bad = false};
}

static inline size_t sc_reader_left(const struct sc_reader *r)
{
    return (size_t)(r->end - r->at);
}

/* `len` bytes in place, or NULL (and bad) when there are fewer. The bytes belong to the buffer. */
static inline const uint8_t *sc_read_bytes(struct sc_reader *r, size_t len)
{
    if (r->bad || sc_reader_left(r) < len) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at += len;
    return p;
}

/* Big-endian unsigned integer of `len` bytes, 1 to 8. */
static inline uint64_t sc_read_uint(struct sc_reader *r, size_t len)
{
    const uint8_t *p = sc_read_bytes(r, len);
    uint64_t v = 0;
    for (size_t i = 0; p && i < len; i++)
        v = v << 8 | p[i];
    return v;
}

static inline uint8_t sc_read_u8(struct sc_reader *r)
{
    return (uint8_t)sc_read_uint(r, 1);
}

static inline uint16_t sc_read_u16(struct sc_reader *r)
{
    return (uint16_t)sc_read_uint(r, 2);
}

static inline uint32_t sc_read_u32(struct sc_reader *r)
{
    return (uint32_t)sc_read_uint(r, 4);
}

static inline uint64_t sc_read_u64(struct sc_reader *r)
{
    return sc_read_uint(r, 8);
}

/* Copies `len` bytes to `out`; zeros `out` when there are fewer. */
static inline void sc_read_copy(struct sc_reader *r, void *out, size_t len)
{
    const uint8_t *p = sc_read_bytes(r, len);
    if (p)
        memcpy(out, p, len);
    else
        memset(out, 0, len);
}

static inline struct sc_writer sc_writer(void *buf, size_t cap)
{
    uint8_t *p = buf;
    return (struct sc_writer){.start = p, .at = p, .end = p + cap, .bad = false};
}

static inline size_t sc_writer_len(const struct sc_writer *w)
{
    return (size_t)(w->at - w->start);
}

static inline size_t sc_writer_left(const struct sc_writer *w)
{
    return (size_t)(w->end - w->at);
}

/* Room for `len` bytes, which the caller fills; NULL (and bad) when there is not enough. */
static inline uint8_t *sc_write_space(struct sc_writer *w, size_t len)
{
    if (w->bad || sc_writer_left(w) < len) {
        w->bad = true;
        return NULL;
    }
    uint8_t *p = w->at;
    w->at += len;
    return p;
}

static inline void sc_write_uint(struct sc_writer *w, uint64_t v, size_t len)
{
    uint8_t *p = sc_write_space(w, len);
    for (size_t i = 0; p && i < len; i++)
        p[i] = (uint8_t)(v >> (8 * (len - 1 - i)));
}

static inline void sc_write_u8(struct sc_writer *w, uint8_t v)
{
    sc_write_uint(w, v, 1);
}

static inline void sc_write_u16(struct sc_writer *w, uint16_t v)
{
    sc_write_uint(w, v, 2);
}

static inline void sc_write_u32(struct sc_writer *w, uint32_t v)
{
    sc_write_uint(w, v, 4);
}

static inline void sc_write_u64(struct sc_writer *w, uint64_t v)
{
    sc_write_uint(w, v, 8);
}

static inline void sc_write_copy(struct sc_writer *w, const void *data, size_t len)
{
    uint8_t *p = sc_write_space(w, len);
    if (p && len)
        memcpy(p, data, len);
}

/* Appends `len` zero bytes. */
static inline void sc_write_zeros(struct sc_writer *w, size_t len)
{
    uint8_t *p = sc_write_space(w, len);
    if (p)
        memset(p, 0, len);
}

#endif
