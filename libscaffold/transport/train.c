#include "transport/train.h"

void sc_train_begin(struct sc_train *t, uint64_t dst)
{
    t->dst = dst;
    t->segment = t->len = 0;
    t->ect = t->probe_mtu = false;
    t->iov_count = 0;
    t->scratch_used = 0;
}

void sc_train_single(struct sc_train *t, size_t len)
{
    t->segment = t->len = t->scratch_used = len;
    t->iov[0] = (struct iovec){.iov_base = t->scratch, .iov_len = len};
    t->iov_count = 1;
}
