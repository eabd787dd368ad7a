#include "naming/service_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "naming/service_name.h"

struct sc_service_id service_id(const char *name)
{
    struct sc_service_name n;
    struct sc_service_id id;
    assert_int_equal(sc_service_name_read(name, &n, NULL), 0);
    sc_service_name_to_id(&n, &id);
    return id;
}
