/* Frames: what CONFIRM and DATA packets carry. Each starts with a type byte; all but the last
 * STREAM form have a length of their own.
 *
 *   0x00 PADDING  (single byte)
 *   0x01 PING     (single byte; draws an acknowledgement)
 *   0x02 ACK      u64 largest | u32 delay in us | u8 n (1..32) | u32 length of the first range |
 *                 (n-1) x { u32 gap | u32 length }; ranges go down from `largest`; gap = packets
 *                 missing between two ranges (>= 1), length = packets in the range (>= 1)
 *   0x03 ACK_ECN  as ACK, then u32 ECT0 | u32 ECT1 | u32 CE, packets seen so far
 *   0x04 STREAM   u48 offset | bytes to the end of the packet
 *   0x05 STREAM with FIN: these are the last bytes (perhaps none)
 *   0x06 STREAM with length: u48 offset | u16 length | bytes
 *   0x07 STREAM with length and FIN
 *   0x08 WINDOW   u64 first stream byte that may not be sent yet
 *   0x09 ABORT    u16 reason (enum sc_abort_reason); the flow is over in both directions
 *   0x0a URGENT   u48 offset of the byte after the urgent one (TCP's urgent pointer)
 *   0x0b ECHO     u64 data   (reserved: path challenge)
 *   0x0c ECHOED   u64 data   (reserved: path response)
 */
#ifndef SC_WIRE_FRAME_H
#define SC_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/ranges.h"

enum sc_frame_type {
    SC_FRAME_PADDING = 0x00,
    SC_FRAME_PING = 0x01,
    SC_FRAME_ACK = 0x02,
    SC_FRAME_ACK_ECN = 0x03,
    SC_FRAME_STREAM = 0x04, /* | SC_STREAM_FIN | SC_STREAM_LEN */
    SC_FRAME_WINDOW = 0x08,
    SC_FRAME_ABORT = 0x09,
    SC_FRAME_URGENT = 0x0a,
    SC_FRAME_ECHO = 0x0b,
    SC_FRAME_ECHOED = 0x0c,
};

#define SC_STREAM_FIN 0x01
#define SC_STREAM_LEN 0x02
#define SC_STREAM_OFFSET_MAX ((UINT64_C(1) << 48) - 1)
/* Bytes of a STREAM frame before its data, without and with the length. */
#define SC_STREAM_HEAD 7
#define SC_STREAM_SIZED_HEAD 9
#define SC_WINDOW_LEN 9
#define SC_URGENT_LEN 7

enum sc_abort_reason {
    SC_ABORT_RESET = 1,    /* the application aborted, or closed with unread data */
    SC_ABORT_REFUSED = 2,  /* the instance vanished before it accepted */
    SC_ABORT_PROTOCOL = 3, /* the peer broke the protocol */
    SC_ABORT_NO_MEMORY = 4,
    SC_ABORT_TIMEOUT = 5,
};

struct sc_ack {
    uint64_t largest;
    uint32_t delay_us;
    size_t count;                               /* ranges, highest first */
    struct sc_range range[SC_ACK_FRAME_RANGES]; /* packet numbers, half-open */
    bool has_ecn;
    uint32_t ect0, ect1, ce;
};

struct sc_frame {
    uint8_t type; /* SC_FRAME_STREAM for all four forms */
    union {
        struct sc_ack ack;
        struct {
            uint64_t offset;
            const uint8_t *data;
            size_t len;
            bool fin;
        } stream;
        uint64_t window;
        uint16_t abort_reason;
        uint64_t urgent;
        uint64_t echo;
    };
};

/* Reads the next frame (runs of PADDING are one). Call while sc_reader_left(r) > 0; r->bad is set
 * on anything malformed: unknown type, short frame, ranges below zero, offset + length above
 * 2^48-1. */
void sc_frame_read(struct sc_reader *r, struct sc_frame *f);

/* Encoders; each needs at most the room that its _room function or constant says. */
size_t sc_ack_room(size_t ranges, bool has_ecn);
void sc_ack_write(struct sc_writer *w, const struct sc_ack *a);

/* Fills `a` from received packet numbers: the highest SC_ACK_FRAME_RANGES ranges. Needs count > 0.
 */
void sc_ack_from_ranges(struct sc_ack *a, const struct sc_ranges *received, uint32_t delay_us);

/* Writes only the head of a STREAM frame: type, offset and, if asked for, length. */
void sc_stream_head_write(struct sc_writer *w, uint64_t offset, bool fin, bool with_len,
                          size_t len);
void sc_window_write(struct sc_writer *w, uint64_t window); /* SC_WINDOW_LEN */
void sc_abort_write(struct sc_writer *w, uint16_t reason);  /* 3 bytes */
void sc_urgent_write(struct sc_writer *w, uint64_t offset); /* SC_URGENT_LEN */

/* True for frames that the receiver must acknowledge: all but PADDING, ACK and ACK_ECN. */
bool sc_frame_elicits_ack(const struct sc_frame *f);

#endif
