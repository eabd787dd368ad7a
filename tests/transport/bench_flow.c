/* Cost per packet of a flow in memory: produce on one side, on_data, peek, consume and settle on
 * the other, the acknowledgements included. Prints figures, no verdicts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "transport/alone.h"

enum { CLIENT, SERVER };

static struct sc_rng rng;
static struct sc_block_pool pool[2];
static struct sc_flow_env env[2];
static struct sc_flow flow[2];
static struct sc_train train;
static uint8_t wire[SC_TRAIN_SEGMENTS][SC_DATAGRAM_MAX];
static uint64_t packets;
static double producing, receiving, acknowledging;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Cuts a train into packets, as a network does. Returns their number. */
static size_t cut(void)
{
    static uint8_t flat[SC_TRAIN_BYTES + SC_DATAGRAM_MAX];
    size_t len = 0, n = 0;
    for (size_t i = 0; i < train.iov_count; i++) {
        memcpy(flat + len, train.iov[i].iov_base, train.iov[i].iov_len);
        len += train.iov[i].iov_len;
    }
    for (size_t at = 0; at < len; at += train.segment)
        memcpy(wire[n++], flat + at, len - at < train.segment ? len - at : train.segment);
    return n;
}

static size_t size_of(size_t i, size_t n)
{
    return i + 1 < n ? train.segment : train.len - (n - 1) * train.segment;
}

static void receive(int to, size_t n, sc_time now)
{
    for (size_t i = 0; i < n; i++) {
        struct sc_header h;
        struct sc_reader r = sc_reader(wire[i], size_of(i, n));
        sc_header_read(&r, &h);
        if (h.type == SC_PKT_OPEN) {
            struct sc_open open;
            uint8_t token[SC_TOKEN_LEN] = {0};
            sc_open_read(&r, &open);
            sc_flow_init_server(&flow[SERVER], &env[SERVER], 9, &open, token, now);
        } else if (h.type == SC_PKT_ANSWER) {
            struct sc_answer a;
            sc_answer_read(&r, &a);
            sc_flow_on_answer(&flow[to], &a, now);
        } else if (h.type == SC_PKT_CONFIRM) {
            struct sc_confirm c;
            sc_confirm_read(&r, &c);
            sc_flow_on_confirm(&flow[to], &h, &c, now);
        } else {
            sc_flow_on_data(&flow[to], &h, &r, 2, now);
        }
    }
}

static void read_all(sc_time now)
{
    struct iovec iov[SC_TRAIN_SEGMENTS];
    size_t n = sc_flow_recv_peek(&flow[SERVER], iov, SC_TRAIN_SEGMENTS), len = 0;
    for (size_t i = 0; i < n; i++)
        len += iov[i].iov_len;
    sc_flow_recv_consume(&flow[SERVER], len, now);
    sc_flow_settle(&flow[SERVER], now);
}

static bool pass(int from, sc_time now)
{
    double a = seconds();
    if (!sc_flow_wants_send(&flow[from], now) || !produce_alone(&flow[from], &train, now))
        return false;
    double b = seconds();
    size_t n = cut();
    double c = seconds();
    receive(!from, n, now);
    if (from == CLIENT && n > 1)
        read_all(now);
    else if (flow[SERVER].env)
        sc_flow_settle(&flow[!from], now);
    double d = seconds();
    if (from == CLIENT && n > 1) {
        packets += n;
        producing += b - a;
        receiving += d - c;
    } else {
        acknowledging += b - a + d - c;
    }
    return true;
}

static void fill(sc_time now)
{
    struct iovec iov[16];
    while (flow[CLIENT].state == SC_FLOW_OPEN) {
        size_t n = sc_flow_send_space(&flow[CLIENT], 256 * 1024, iov, 16), len = 0;
        for (size_t i = 0; i < n; i++)
            len += iov[i].iov_len;
        if (len == 0)
            break;
        sc_flow_send_commit(&flow[CLIENT], len, now);
    }
}

static void run(size_t datagram)
{
    sc_time now = SC_SECOND;
    memset(flow, 0, sizeof flow);
    packets = 0;
    producing = receiving = acknowledging = 0;
    struct sc_service_id service = {0};
    for (int i = 0; i < 2; i++) {
        sc_block_pool_init(&pool[i], SC_MEMORY_MAX);
        env[i] = (struct sc_flow_env){.rng = &rng,
                                      .blocks = &pool[i],
                                      .address = (uint64_t)i + 1,
                                      .epoch = 1,
                                      .datagram_limit = datagram};
    }
    sc_flow_init_client(&flow[CLIENT], &env[CLIENT], 7, &service, 1, 0, now);
    while (packets < 2000000) {
        fill(now);
        while (pass(CLIENT, now))
            ;
        while (flow[SERVER].env && pass(SERVER, now))
            ;
        now += 50;
        for (int i = 0; i < 2; i++)
            if (flow[i].env && sc_flow_deadline(&flow[i]) <= now)
                sc_flow_on_timer(&flow[i], now);
    }
    printf("%5zu bytes: produce %.1f ns, receive %.1f ns, acknowledge %.1f ns per packet\n",
           flow[CLIENT].path.pmtu.size, producing * 1e9 / (double)packets,
           receiving * 1e9 / (double)packets, acknowledging * 1e9 / (double)packets);
    for (int i = 0; i < 2; i++) {
        sc_flow_fini(&flow[i]);
        sc_block_pool_fini(&pool[i]);
    }
}

int main(void)
{
    sc_rng_seed(&rng, 1);
    printf("struct sc_flow %zu, sc_sent %zu, sc_train %zu\n", sizeof(struct sc_flow),
           sizeof(struct sc_sent), sizeof(struct sc_train));
    run(SC_DATAGRAM_BASE);
    run(1472);
    run(SC_DATAGRAM_MAX);
    return 0;
}
