#include "daemon/stream/plane.h"

#include <stddef.h>

const struct sc_plane_ops *const sc_planes[] = {&sc_join, &sc_carry, NULL};
