/* Every bound of the stack, with its reason. A table or queue whose bound is not here is a bug. */
#ifndef SC_BASE_LIMITS_H
#define SC_BASE_LIMITS_H

#include "base/time.h"

/* --- datagrams and trains ------------------------------------------------------------------- */

/* UDP payload that every path carries (IPv6's 1280 less 48, and QUIC's floor, RFC 9000 14). */
#define SC_DATAGRAM_BASE 1200
/* Largest UDP payload that path-MTU discovery tries: a jumbo frame of 9000 less IPv4 and UDP. */
#define SC_DATAGRAM_MAX 8972
/* Segments of one train: the kernel's UDP_MAX_SEGMENTS was 64 before Linux 6.9. */
#define SC_TRAIN_SEGMENTS 64
/* Bytes of one train: an IPv4 datagram's 65,535 less headers. */
#define SC_TRAIN_BYTES 65000
/* Padding of a packet for the sake of a shared train: less than what a call of its own costs, even
 * at 1 Gbit/s (2 us). */
#define SC_TRAIN_PADDING 256
/* Flows that are ready, and are looked at in vain for one train: their packets differ in length, or
 * go to another host. Looking costs as much as the call that it may save, by then. */
#define SC_TRAIN_LOOK 32
/* Hops before a packet is dropped: more than any sane chain of routers. */
#define SC_HOP_LIMIT 16

/* --- datagrams of programs ------------------------------------------------------------------- */

/* UDP's own limit over IPv4: 65,535 less 20 and 8 bytes of headers (RFC 768, RFC 791). */
#define SC_DATAGRAM_PAYLOAD_MAX 65507
/* Datagrams that programs of this host write in pieces (UDP_CORK) at a time: 8 MiB of the largest.
 * Few programs do, each for some microseconds. */
#define SC_GATHERS_MAX 128
/* Incomplete datagrams that a host keeps, from everybody and from one host: 256 of the largest are
 * 16 MiB. A lost fragment costs its datagram, so more would not be worth having. */
#define SC_ASSEMBLIES_MAX 256
#define SC_ASSEMBLIES_PER_HOST 64
/* Fragments leave together; what is still missing after this was lost (RFC 791 3.2 suggests 15 s
 * for networks of its time, which packet ids that wrapped limited; ours do not). */
#define SC_ASSEMBLY_TIMEOUT (5 * SC_SECOND)
/* Bytes of datagrams that wait for the link, and for the owner of the stack: what a kernel's socket
 * buffers would hold at most, for all sockets of the host together. More are dropped, as UDP's. */
#define SC_DATAGRAMS_WAITING_MAX (8u * 1024 * 1024)
/* Hosts whose underlay is remembered from what arrives; for others the router is asked to forward.
 */
#define SC_LOCATORS 1024

/* --- opening a flow -------------------------------------------------------------------------- */

/* 127 s in all, as Linux's default of 6 SYN retransmissions. */
#define SC_OPEN_TIMEOUT (127 * SC_SECOND)
/* At most this for each instance. */
#define SC_OPEN_ATTEMPT (3 * SC_SECOND)
/* First retransmission of an OPEN inside an attempt; doubles up to the maximum: a host or router
 * that was restarted in between has its channel back within two seconds, and is not to wait for it
 * any longer. */
#define SC_OPEN_RETRANSMIT (300 * SC_MS)
#define SC_OPEN_RETRANSMIT_MAX (600 * SC_MS)
/* Without a confirmed direct answer after this the answer goes by the relay. */
#define SC_OPEN_RELAY_AFTER (300 * SC_MS)
/* Instances that one OPEN can exclude: 8 bytes each, and OPEN must stay under SC_DATAGRAM_BASE. */
#define SC_OPEN_EXCLUDE 16
/* Flows answered but not yet confirmed, per host: above it new OPENs draw a RETRY (cookie). */
#define SC_HALF_OPEN_MAX 4096
/* An answered, unconfirmed flow is forgotten after this: more than a client's last retransmission.
 */
#define SC_HALF_OPEN_TIMEOUT (5 * SC_SECOND)
/* A cookie stays valid for this long: one attempt. */
#define SC_COOKIE_LIFETIME (4 * SC_SECOND)

/* --- what others can make a host do, in a second ---------------------------------------------- */

/* `known` hosts are those that have joined, our router, and hosts that we share flows with. Each
 * has its own share, so a flooder meets its own limit; all of a kind together are what costs a host
 * not more than about a tenth of one core (5 us for each answer). Honest ones meet none of these.
 */

/* OPENs of one host that are answered or passed on: several times what it can open. Without a
 * registration there is nobody to open anything, but for those whose router was just restarted. */
#define SC_OPENS_OF_HOST 8192
#define SC_OPENS_OF_ALL 32768
#define SC_OPENS_OF_STRANGER 256
#define SC_OPENS_OF_STRANGERS 2048
/* Flows that are half-open beyond SC_HALF_OPEN_MAX, with cookies: at 5 s each, one host has not
 * more than a 25th of SC_FLOWS_MAX, and all together leave a third of it. */
#define SC_CROWD_OF_HOST 512
#define SC_CROWD_OF_ALL 8192
#define SC_CROWD_OF_STRANGER 64
#define SC_CROWD_OF_STRANGERS 512
/* A router's answers. A host refreshes once a second; when it has to register everything again,
 * that is SC_INSTANCES_MAX at 12 in a packet. To a router that was restarted everybody is a
 * stranger: 4,096 hosts can refresh and join at once, 512 behind one address. */
#define SC_REQUESTS_OF_HOST 8192
#define SC_REQUESTS_OF_ALL 32768
#define SC_REQUESTS_OF_STRANGER 1024
#define SC_REQUESTS_OF_STRANGERS 8192
/* Names that a router has never heard, each of which is stored for good. */
#define SC_NAMES_OF_HOST 256
#define SC_NAMES_OF_ALL 1024
#define SC_NAMES_OF_STRANGER 128
#define SC_NAMES_OF_STRANGERS 1024
/* Handshakes that a router answers, each of which costs it 400 us with the proof that follows: a
 * host makes one every 120 s; when a router was restarted, 1,000 of them are back after 4 s, 8 s if
 * they are behind one address. */
#define SC_GREETS_OF_HOST 16
#define SC_GREETS_OF_ALL 512
#define SC_GREETS_OF_STRANGER 128
#define SC_GREETS_OF_STRANGERS 256
/* The same of those that come with a cookie, so that they are where they say. What comes from
 * made-up places takes nothing of it. */
#define SC_GREETS_PROVEN_OF_HOST 16
#define SC_GREETS_PROVEN_OF_ALL 512
#define SC_GREETS_PROVEN_OF_STRANGER 128
#define SC_GREETS_PROVEN_OF_STRANGERS 512
/* Cookies for them, at 3 us. */
#define SC_COOKIES_OF_ONE 1024
#define SC_COOKIES_OF_ALL 32768
/* Grants that a router checks, or signs, at 130 us each; hosts show or want one when they begin to
 * serve names of a provider, and every few days. What is not done is asked for again. */
#define SC_GRANTS_OF_ONE 32
#define SC_GRANTS_OF_ALL 768
/* Answers that say which services are not registered, which is 400 bytes more: of 6,000 services at
 * once. Others are asked for again. */
#define SC_DENIALS_OF_ONE 512
#define SC_DENIALS_OF_ALL 2048
/* A peer probes every 2 s; a router relays the probes of many. After a restart all of SC_PEERS_MAX
 * ask at once, and are strangers. */
#define SC_PROBES_OF_HOST 1024
#define SC_PROBES_OF_ALL 8192
#define SC_PROBES_OF_STRANGER 64
#define SC_PROBES_OF_STRANGERS 4096
/* Flows that are forgotten on one side draw a RESET each; others end with their peer's epoch. */
#define SC_RESETS_OF_ONE 1024
#define SC_RESETS_OF_ALL 4096

/* Packets waiting to leave: requests of our own, which registering SC_INSTANCES_MAX makes most of;
 * answers to one batch of requests, to hosts that are known and to strangers. */
#define SC_OUTBOX_OWN 8192
#define SC_OUTBOX_ANSWERS 4096
#define SC_OUTBOX_STRANGERS 1024

/* --- flows ----------------------------------------------------------------------------------- */

/* Flows per stack: bounded by memory (about 2 KiB each idle). */
#define SC_FLOWS_MAX 65536
/* Receive window at first, and at most after auto-tuning: 16 MiB is 1 Gbit/s at 130 ms. */
#define SC_WINDOW_INITIAL (256u * 1024)
#define SC_WINDOW_MAX (16u * 1024 * 1024)
/* Bytes taken from the application and not yet acknowledged, at most: one maximal window. */
#define SC_SEND_BUFFER_MAX SC_WINDOW_MAX
/* Of these, bytes that were not sent yet, and what is taken from all programs in a turn: six
 * trains. Many flows that take more take all of memory, and what they send has left every cache by
 * then. */
#define SC_SEND_AHEAD (6u * SC_TRAIN_BYTES)
/* All stream bytes that one stack buffers, both directions together. */
#define SC_MEMORY_MAX (512u * 1024 * 1024)
/* Ranges of packet numbers remembered for acknowledgement; older ones are forgotten (RFC
 * 9000 13.2.3). */
#define SC_ACK_RANGES 64
/* Ranges that one ACK frame carries. */
#define SC_ACK_FRAME_RANGES 32
/* Holes of a receive buffer: a peer that sends every other byte is told nothing was received. */
#define SC_RECV_HOLES 1024
/* Longest an acknowledgement waits: short beside a WAN's RTT; a batch acknowledges at once. */
#define SC_ACK_DELAY (10 * SC_MS)
/* A closed flow answers retransmissions for this long, at least 3 PTO (RFC 9000 10.2): two probes
 * of a peer that has not measured the round trip yet (1 s, then 2 s). */
#define SC_LINGER (4 * SC_SECOND)

/* What a program had written before it closed waits this long for a reader that takes nothing of
 * it: about what Linux's orphans get before their window probes end (tcp_orphan_retries, 8 of them
 * at doubling intervals). */
#define SC_ORPHAN_TIMEOUT (120 * SC_SECOND)

/* --- peers and leases ------------------------------------------------------------------------ */

/* A peer host that said nothing for this long is probed (while flows with it exist)... */
#define SC_PEER_PROBE_AFTER (5 * SC_SECOND)
/* ...this often... */
#define SC_PEER_PROBE_EVERY (2 * SC_SECOND)
/* ...and is dead after this much silence: inside the 30 s that a reader may wait for its error. */
#define SC_PEER_DEAD_AFTER (20 * SC_SECOND)
#define SC_PEERS_MAX 4096
/* A host refreshes its registrations this often... */
#define SC_LEASE_REFRESH (1 * SC_SECOND)
/* ...and they are gone after this: under the 5 s that are promised, with three refreshes to lose.
 */
#define SC_LEASE_TIME (4 * SC_SECOND)
/* A channel between host and router is made anew after this... */
#define SC_CHANNEL_RENEW (120 * SC_SECOND)
/* ...and the old one is heard until this: longer than any handshake takes. */
#define SC_CHANNEL_END (180 * SC_SECOND)
/* A channel of a host that was not let in: it may ask again why not. */
#define SC_CHANNEL_STRANGER (5 * SC_SECOND)
#define SC_CHANNELS_STRANGE_MAX 4096
/* Handshakes that were answered and not yet proven: those that may be begun with a cookie while one
 * lives are fewer than the difference, so they push nobody out... */
#define SC_GREETINGS_MAX 8192
/* ...and above this one needs a cookie: what others may begin in a life, and a bit more. */
#define SC_GREETINGS_PLAIN_MAX 2048
#define SC_GREETING_LIFE (5 * SC_SECOND)
/* Proofs that are looked into for one of them, at 250 us each: an honest host's is good. */
#define SC_PROVE_TRIALS 8
/* Of one handshake: repetitions of PROVE, of which the router may have forgotten the beginning, and
 * answers that are looked into, at 200 us each. */
#define SC_PROVE_MAX 3
#define SC_GREETED_TRIALS 8
/* REFRESHes without an answer, after which a host believes that its router was restarted. */
#define SC_REFRESH_UNANSWERED 3
/* The key for handshakes is another one after this, and what was said of it ends later. */
#define SC_STATEMENT_RENEW (24 * 3600 * SC_SECOND)
#define SC_STATEMENT_LIFE_S (48 * 3600)
/* What clocks of hosts may differ by where a grant begins or ends. */
#define SC_GRANT_TOLERANCE_S 300
/* A grant that a router gives by itself, which the host asks for again at half of that. */
#define SC_GRANT_LIFE_S (7 * 24 * 3600)
/* Its owner hears of a grant that ends when this part of its life is left, once a day. */
#define SC_GRANT_WARN_PART 3
/* Grants that a host has: of every provider that it serves names of. */
#define SC_GRANTS_HELD 256
/* Keys of providers that a host has. */
#define SC_PROVIDERS_HELD 64
/* Grants that hosts have shown a router: as many as there are hosts, 600 bytes each; and those of
 * one host. */
#define SC_GRANTS_SHOWN 16384
#define SC_GRANTS_OF_HOST 64
/* Of those, what waits for the disk. */
#define SC_GRANTS_WAITING 64
/* Grants whose signatures are known to be good. */
#define SC_SIGNATURES_KNOWN 1024
/* What a router did not take is offered to it again this often, and what it did not grant asked
 * for: its clock may have been set, or its rules... */
#define SC_OFFER_AGAIN (60 * SC_SECOND)
/* ...and whether there is anything to be asked for is looked at this often. */
#define SC_OFFER_LOOK (3600 * SC_SECOND)
/* ...and first, after a host has joined and has registered everything. */
#define SC_OFFER_SOON (1 * SC_SECOND)
#define SC_INVITATION_LEN 16
/* Of SHA-256 of a public key: what ServiceIDs and invitations have of it. */
#define SC_KEY_HASH_LEN 16
#define SC_INVITATIONS_MAX 256
/* Retransmission of a host's request to its router; doubles up to the maximum. */
#define SC_REQUEST_RETRANSMIT (200 * SC_MS)
#define SC_REQUEST_RETRANSMIT_MAX (2 * SC_SECOND)
/* A request without an answer has failed: shorter than a resolver's patience (5 s). */
#define SC_REQUEST_TIMEOUT (4 * SC_SECOND)
#define SC_REQUESTS_MAX 1024

/* --- programs of this host ------------------------------------------------------------------- */

/* Flows of the local plane that are remembered, of more that there may be: more than half of the
 * ports that a host's clients have. */
#define SC_LOCALS_MAX 16384
/* Control connections at a time; each lives for one call. */
#define SC_CALLS_MAX 4096

/* --- names and tables ------------------------------------------------------------------------ */

/* A DNS name's limit (RFC 1035 3.1), which resolvers enforce before we see the name. */
#define SC_NAME_MAX 253
#define SC_HOST_NAME_MAX 63
#define SC_INSTANCES_MAX 65536
#define SC_HOSTS_MAX 16384
/* What a router notes for its log and has not been asked for yet: more than a batch of requests
 * makes in earnest; the rest is counted. */
#define SC_NOTES_MAX 256
/* Names mapped to pool addresses by one router: the default /15 holds 131,072. A larger pool is not
 * used up to its end, which scaffoldd says at start. */
#define SC_MAPPINGS_MAX 131072
/* Aliases that a host knows the keys of: 120 bytes each, and a line in its state. */
#define SC_PINS_MAX 16384
/* Of those, what waits for the disk. */
#define SC_PINS_WAITING 64
/* Keys of aliases that a router remembers beside those that are bound: 100 bytes each, where to
 * derive one again takes 50 us. */
#define SC_ALIASES_REMEMBERED 4096
/* The part of a router's names that may stand on the account of one place in the network: a
 * quarter, so that it takes four to be in each other's way; and a few, which make a pool of some
 * addresses usable. */
#define SC_NAMES_SHARE(size) ((size) / 4 + 4)
/* A name that was not asked for in this time does not count in it any more: what was mistyped over
 * years must not add up, and an hour's work of whoever makes them up is bounded. */
#define SC_NAME_COUNTS (3600 * SC_SECOND)
/* A router whose own name cannot be stored tries again this often: its disk may have got room. */
#define SC_OWN_NAME_RETRY (100 * SC_MS)
/* Changes of the pool that wait for the disk, at once: one transaction, some milliseconds' worth of
 * new names at the rate that a router can answer. What comes beyond is asked again. */
#define SC_CHANGES_MAX 1024
/* Questions that wait for them; those of other hosts, who repeat themselves, take half of it at
 * most. */
#define SC_PARKED_MAX 2048

#endif
