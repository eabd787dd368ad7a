#include "channel/channels.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* --- life ------------------------------------------------------------------------------------- */

static struct sc_channel *oldest(struct sc_list *list)
{
    struct sc_list *first = sc_list_first(list);
    return first ? sc_container(first, struct sc_channel, age) : NULL;
}

static void end(struct sc_channels *all, struct sc_channel *s)
{
    if (s->link && s->link->now == s)
        s->link->now = NULL;
    if (s->link && s->link->before == s)
        s->link->before = NULL;
    all->strange_count -= !s->link;
    sc_list_remove(&s->age);
    sc_map_remove(&all->by_id, &s->by_id);
    OPENSSL_cleanse(s, sizeof *s);
    free(s);
    sc_aead_forget(&all->node->crypto.aead);
}

static sc_time end_of(const struct sc_channel *s)
{
    return s->since + (s->link ? SC_CHANNEL_END : SC_CHANNEL_STRANGER);
}

static void arm(struct sc_channels *all)
{
    struct sc_channel *owned = oldest(&all->owned), *strange = oldest(&all->strange);
    sc_dues_arm(
        &all->node->dues, &all->due,
        sc_time_min(owned ? end_of(owned) : SC_NEVER, strange ? end_of(strange) : SC_NEVER));
}

static void end_those_over(struct sc_channels *all, struct sc_list *list, sc_time now)
{
    for (struct sc_channel *s; (s = oldest(list)) != NULL && end_of(s) <= now;)
        end(all, s);
}

static void on_due(void *part, struct sc_due *d, sc_time now)
{
    struct sc_channels *all = part;
    (void)d;
    end_those_over(all, &all->owned, now);
    end_those_over(all, &all->strange, now);
    arm(all);
}

void sc_channels_init(struct sc_channels *all, struct sc_node *node)
{
    *all = (struct sc_channels){.node = node};
    SC_MAP_INIT(&all->by_id, struct sc_channel, by_id, id, node->map_seed);
    sc_list_init(&all->owned);
    sc_list_init(&all->strange);
    sc_due_init(&all->due, on_due, all);
}

void sc_channels_fini(struct sc_channels *all)
{
    end_those_over(all, &all->owned, SC_NEVER);
    end_those_over(all, &all->strange, SC_NEVER);
    sc_map_fini(&all->by_id);
}

uint32_t sc_channels_new_id(struct sc_channels *all)
{
    uint32_t id;
    do {
        sc_entropy_fill(&all->node->crypto.entropy, (uint8_t *)&id, sizeof id);
    } while (id == 0 || sc_channels_find(all, id));
    return id;
}

struct sc_channel *sc_channels_add(struct sc_channels *all, const struct sc_agreement *a,
                                   sc_time now)
{
    if (all->strange_count >= SC_CHANNELS_STRANGE_MAX)
        end(all, oldest(&all->strange));
    struct sc_channel *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->id = a->id;
    s->peer_id = a->peer_id;
    s->since = now;
    s->at = a->at;
    s->keys = a->keys;
    memcpy(s->peer, a->peer, sizeof s->peer);
    sc_list_init(&s->age);
    if (sc_map_insert(&all->by_id, &s->by_id) < 0) {
        OPENSSL_cleanse(s, sizeof *s);
        free(s);
        return NULL;
    }
    sc_list_append(&all->strange, &s->age);
    all->strange_count++;
    arm(all);
    return s;
}

void sc_channels_adopt(struct sc_channels *all, struct sc_channel *s, struct sc_link *link,
                       sc_time now)
{
    if (s->link)
        return;
    if (link->before)
        end(all, link->before);
    link->before = link->now;
    link->now = s;
    s->link = link;
    s->since = now;
    all->strange_count--;
    sc_list_remove(&s->age);
    sc_list_append(&all->owned, &s->age);
    arm(all);
}

void sc_channels_leave(struct sc_channels *all, struct sc_link *link)
{
    if (link->now)
        end(all, link->now);
    if (link->before)
        end(all, link->before);
}

struct sc_channel *sc_channels_find(const struct sc_channels *all, uint32_t id)
{
    struct sc_map_node *n = sc_map_find(&all->by_id, &id);
    return n ? sc_container(n, struct sc_channel, by_id) : NULL;
}

/* --- packets ---------------------------------------------------------------------------------- */

uint8_t *sc_channels_open(struct sc_channels *all, uint8_t *data, size_t len, size_t *inner,
                          struct sc_channel **channel)
{
    struct sc_reader r = sc_reader(data, len);
    struct sc_header h;
    sc_header_read(&r, &h);
    *channel = r.bad ? NULL : sc_channels_find(all, h.flow);
    uint8_t *packet =
        *channel ? sc_channel_open(*channel, &all->node->crypto.aead, data, len, inner) : NULL;
    all->node->counters.dropped_unopened += !packet;
    return packet;
}

void sc_channels_send(struct sc_channels *all, struct sc_channel *s,
                      const struct sc_underlay *plain, enum sc_queue q, const uint8_t *packet,
                      size_t len)
{
    uint8_t out[SC_DATAGRAM_BASE];
    struct sc_node *node = all->node;
    if (!node->secure)
        sc_outbox_put(&node->outbox, q, plain, packet, len);
    else if (!s)
        node->counters.dropped_unjoined++;
    else if (len + SC_CHANNEL_OVERHEAD > sizeof out)
        node->counters.dropped_malformed++;
    else
        sc_outbox_put(&node->outbox, q, &s->at, out,
                      sc_channel_seal(s, &node->crypto.aead, packet, len, out));
}

void sc_channels_control(struct sc_channels *all, struct sc_channel *s,
                         const struct sc_underlay *plain, enum sc_queue q,
                         const struct sc_control *c)
{
    uint8_t packet[SC_CONTROL_REQUEST];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    sc_control_write(&w, c);
    if (!w.bad)
        sc_channels_send(all, s, plain, q, packet, sc_writer_len(&w));
}
