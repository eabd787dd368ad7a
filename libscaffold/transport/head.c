#include "transport/head.h"

#include <string.h>

static void write_confirm(const struct sc_flow *f, struct sc_writer *w, const struct sc_header *h)
{
    struct sc_confirm c = {.src = f->env->address,
                           .open_id = f->open_id,
                           .window = f->recv.limit,
                           .epoch = f->env->epoch};
    memcpy(c.token, f->own_token, SC_TOKEN_LEN);
    sc_confirm_write(w, h, &c);
}

struct sc_packet *sc_head_begin(struct sc_flow *f, struct sc_train *t, struct sc_writer *w)
{
    bool confirm = f->opening.confirming;
    struct sc_packet *p = sc_train_add(t, f, confirm ? SC_PKT_CONFIRM : SC_PKT_DATA, w);
    struct sc_header h = {.version = SC_WIRE_VERSION,
                          .type = (uint8_t)p->type,
                          .hop_limit = SC_HOP_LIMIT,
                          .dst = f->peer_address,
                          .flow = f->peer_id,
                          .number = p->number};
    if (confirm)
        write_confirm(f, w, &h);
    else
        sc_header_write(w, &h);
    return p;
}
