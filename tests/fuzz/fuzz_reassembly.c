/* Reassembly against a plain array: segments that overlap, repeat, come early or break the rules, a
 * reader that consumes at will, and a pool with little memory. Every byte that is read must be the
 * stream's, in order, once.
 *
 * Input, repeated: u8 operation (low 2 bits: 0-1 segment, 2 read, 3 settle or discard) | u16 | u16
 */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "fuzz.h"
#include "transport/recv.h"

#define LENGTH (1u << 20)

static uint8_t stream[LENGTH];
static bool present[LENGTH + 1]; /* the model: what was accepted */

struct model {
    struct sc_recv r;
    uint64_t expected; /* first byte that was not accepted */
    uint64_t final;
};

static void accept_bytes(struct model *m, uint64_t offset, size_t len, bool fin)
{
    memset(present + offset, true, len);
    const bool *gap = memchr(present + m->expected, false, sizeof present - (size_t)m->expected);
    m->expected = (uint64_t)(gap - present); /* the last place is never present */
    if (fin)
        m->final = offset + len;
}

/* Offsets are near the first missing byte, so that segments meet. */
static void feed(struct model *m, uint8_t op, uint16_t a, uint16_t b)
{
    uint64_t base = op & 4 ? m->expected : m->expected & ~(uint64_t)0xffff;
    uint64_t offset = base + a;
    size_t len = b & 0x3fff;
    if (op & 8)
        offset = offset > 0x8000 ? offset - 0x8000 : 0;
    if (offset > LENGTH)
        offset = LENGTH;
    if (len > LENGTH - offset)
        len = (size_t)(LENGTH - offset);
    bool fin = (b & 0xc000) == 0xc000;
    /* The packet's buffer may be gone after settling: the model lends it only until then. */
    int rc = sc_recv_on_stream(&m->r, offset, stream + offset, len, fin);
    require(rc == 0 || rc == -EPROTO || rc == -ENOBUFS);
    if (rc == 0)
        accept_bytes(m, offset, len, fin);
}

static void read_some(struct model *m, size_t most)
{
    struct iovec iov[8];
    size_t n = sc_recv_peek(&m->r, iov, 8), total = 0;
    for (size_t i = 0; i < n && total < most; i++) {
        size_t part = iov[i].iov_len < most - total ? iov[i].iov_len : most - total;
        require(memcmp(iov[i].iov_base, stream + m->r.consumed + total, part) == 0);
        total += part;
    }
    require(n > 0 || sc_recv_available(&m->r) == 0);
    sc_recv_consume(&m->r, total, 1000, 0);
}

static void step(struct model *m, uint8_t op, uint16_t a, uint16_t b)
{
    switch (op & 3) {
    case 2:
        read_some(m, (size_t)a << 2);
        if (op & 4)
            sc_recv_announce(&m->r);
        break;
    case 3:
        require(sc_recv_settle(&m->r) == 0);
        if (op == 0xff && a == 0xffff)
            sc_recv_discard(&m->r);
        break;
    default:
        feed(m, op, a, b);
        break;
    }
    require(m->r.next == m->expected);
    require(m->r.consumed <= m->r.next && m->r.next <= m->r.highest);
    require(m->r.ahead.count <= SC_RECV_HOLES);
    require(sc_recv_complete(&m->r) == (m->expected == m->final));
}

/* Once: a million steps for each input are most of its time. */
static void fill_stream(void)
{
    static bool filled;
    for (size_t i = 0; i < LENGTH && !filled; i++)
        stream[i] = (uint8_t)(i * 131 + (i >> 8) * 7 + (i >> 16));
    filled = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model m;
    struct sc_block_pool pool;
    struct sc_reader in = sc_reader(data, size);
    fill_stream();
    memset(present, 0, sizeof present);
    m.expected = 0;
    m.final = UINT64_MAX;
    sc_block_pool_init(&pool, (size > 0 ? data[0] : 1u) * 4096u);
    sc_recv_init(&m.r, &pool, 0);
    while (sc_reader_left(&in) >= 5) {
        uint8_t op = sc_read_u8(&in);
        uint16_t a = sc_read_u16(&in);
        step(&m, op, a, sc_read_u16(&in));
    }
    while (sc_recv_available(&m.r) > 0)
        read_some(&m, LENGTH);
    sc_recv_fini(&m.r);
    require(pool.used == 0);
    sc_block_pool_fini(&pool);
    return 0;
}
