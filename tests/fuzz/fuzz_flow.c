/* An open flow whose peer sends anything: frames of any kind, valid or not, between calls of the
 * application and of time. Nothing may crash, hang or grow without bound, and what the flow itself
 * sends must keep the rules of a train.
 *
 * Input, repeated: u8 operation (low 3 bits) | u8 length | that many bytes */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "transport/alone.h"

static struct sc_train train;

struct world {
    struct sc_rng rng;
    struct sc_block_pool pool;
    struct sc_flow_env env;
    struct sc_flow f;
    sc_time now;
    uint64_t number;
};

static void begin(struct world *w)
{
    memset(w, 0, sizeof *w);
    sc_rng_seed(&w->rng, 1);
    sc_block_pool_init(&w->pool, 1 << 20);
    w->env = (struct sc_flow_env){
        .rng = &w->rng, .blocks = &w->pool, .address = 1, .pool = 2, .epoch = 3};
    w->now = SC_SECOND;
    struct sc_open open = {.src = 9, .src_flow = 8, .open_id = 7};
    uint8_t token[SC_TOKEN_LEN] = {1};
    sc_flow_init_server(&w->f, &w->env, 5, &open, token, w->now);
    struct sc_header h = {.number = w->number++};
    struct sc_confirm c = {.src = 9, .open_id = 7, .window = 100000, .epoch = 4};
    sc_flow_on_confirm(&w->f, &h, &c, w->now);
    require(w->f.state == SC_FLOW_OPEN);
}

static void packet(struct world *w, const uint8_t *data, size_t len, uint64_t number)
{
    struct sc_header h = {.number = number};
    struct sc_reader r = sc_reader(data, len);
    sc_flow_on_data(&w->f, &h, &r, number & 3, w->now);
    sc_flow_settle(&w->f, w->now);
}

static void check_train(void)
{
    size_t len = 0;
    require(train.iov_count > 0 && train.iov_count <= SC_TRAIN_PIECES);
    for (size_t i = 0; i < train.iov_count; i++)
        len += train.iov[i].iov_len;
    require(len == train.len && train.segment > 0 && train.segment <= SC_DATAGRAM_MAX);
    require((len + train.segment - 1) / train.segment <= SC_TRAIN_SEGMENTS);
}

static void drain(struct world *w)
{
    for (int i = 0; sc_flow_wants_send(&w->f, w->now); i++) {
        require(i < 10000);
        require(produce_alone(&w->f, &train, w->now));
        check_train();
    }
}

static void write_some(struct world *w, size_t len)
{
    struct iovec iov[4];
    size_t n = sc_flow_send_space(&w->f, len, iov, 4), total = 0;
    for (size_t i = 0; i < n; i++) {
        memset(iov[i].iov_base, 'x', iov[i].iov_len);
        total += iov[i].iov_len;
    }
    if (total > 0)
        sc_flow_send_commit(&w->f, total, w->now);
}

static void read_some(struct world *w, size_t most)
{
    struct iovec iov[4];
    size_t n = sc_flow_recv_peek(&w->f, iov, 4), total = 0;
    for (size_t i = 0; i < n; i++)
        total += iov[i].iov_len;
    sc_flow_recv_consume(&w->f, total < most ? total : most, w->now);
}

static void wait_for_timer(struct world *w)
{
    sc_time at = sc_flow_deadline(&w->f);
    if (at == SC_NEVER)
        return;
    w->now = sc_time_max(w->now, at);
    sc_flow_on_timer(&w->f, w->now);
}

static void end_somehow(struct world *w, uint8_t how)
{
    switch (how & 7) {
    case 0:
        sc_flow_abort(&w->f, SC_ABORT_RESET, ECONNABORTED, w->now);
        break;
    case 1:
        sc_flow_on_peer_gone(&w->f, EHOSTUNREACH, w->now);
        break;
    case 2:
        sc_flow_recv_discard(&w->f, w->now);
        break;
    case 3:
        sc_flow_on_too_large(&w->f, w->f.path.pmtu.size, w->now);
        break;
    case 4:
        sc_flow_send_urgent(&w->f, w->now);
        break;
    default:
        sc_flow_send_fin(&w->f, w->now);
        break;
    }
}

static void step(struct world *w, uint8_t op, const uint8_t *data, size_t len)
{
    switch (op & 7) {
    case 0:
    case 1:
    case 2:
        packet(w, data, len, w->number++);
        break;
    case 3:
        packet(w, data, len, w->number += op >> 3);
        break;
    case 4:
        write_some(w, len * 100);
        break;
    case 5:
        read_some(w, len * 100);
        break;
    case 6:
        wait_for_timer(w);
        break;
    default:
        end_somehow(w, len > 0 ? data[0] : 255);
        break;
    }
    w->now += op;
    drain(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct sc_reader in = sc_reader(data, size);
    begin(&w);
    while (sc_reader_left(&in) >= 2) {
        uint8_t op = sc_read_u8(&in);
        size_t len = sc_read_u8(&in);
        if (len > sc_reader_left(&in))
            len = sc_reader_left(&in);
        const uint8_t *bytes = sc_read_bytes(&in, len);
        step(&w, op, bytes, len);
    }
    sc_flow_fini(&w.f);
    require(w.pool.used == 0);
    sc_block_pool_fini(&w.pool);
    return 0;
}
