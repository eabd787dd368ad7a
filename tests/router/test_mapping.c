/* Which MAPPINGs a host believes: those that answer its question, and are true to themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "naming/service_id.h"
#include "router/mapping.h"

#define HASH "aaisem2ekvthpcezvk54zxpo74" /* of 00 11 22 ... */

static struct sc_control answer(void)
{
    struct sc_control c = {.message = SC_MSG_MAPPING,
                           .name = "web.demo.scaffold",
                           .service_count = 1,
                           .service = {service_id("web.demo.scaffold")},
                           .pool = 0xc6120003};
    provider_key("demo", c.key);
    return c;
}

static struct sc_control by_name(const char *name)
{
    return sc_mapping_question(SC_LOOKUP_NAME, name, 0, NULL);
}

static void what_was_asked_for(void **state)
{
    (void)state;
    struct sc_control c = answer(), q = by_name("Web.Demo.scaffold:80");
    struct sc_service_id web = service_id("web.demo.scaffold:80"),
                         db = service_id("db.demo.scaffold");
    assert_true(sc_mapping_fits(&c, &q));
    q = by_name("db.demo.scaffold");
    assert_false(sc_mapping_fits(&c, &q));
    q = sc_mapping_question(SC_LOOKUP_POOL, NULL, c.pool, NULL);
    assert_true(sc_mapping_fits(&c, &q));
    q.pool++;
    assert_false(sc_mapping_fits(&c, &q));
    q = sc_mapping_question(SC_LOOKUP_SERVICE, NULL, 0, &web);
    assert_true(sc_mapping_fits(&c, &q));
    q = sc_mapping_question(SC_LOOKUP_SERVICE, NULL, 0, &db);
    assert_false(sc_mapping_fits(&c, &q));
    c = (struct sc_control){.message = SC_MSG_MAPPING, .status = SC_LOOKUP_UNKNOWN};
    assert_true(sc_mapping_fits(&c, &q));
}

static void assert_lies(const struct sc_control *c)
{
    struct sc_control q = by_name("web.demo.scaffold");
    assert_false(sc_mapping_fits(c, &q));
}

static void what_contradicts_itself(void **state)
{
    (void)state;
    struct sc_control c = answer();
    c.key[0]++; /* another provider's */
    assert_lies(&c);
    c = answer();
    memset(c.key, 0, sizeof c.key); /* an alias without a key */
    assert_lies(&c);
    c = answer();
    c.service[0].bytes[16]++; /* another label */
    assert_lies(&c);
    c = answer();
    c.service[0] = service_id("web.demo.scaffold:80"); /* of one port only */
    assert_lies(&c);
    c = answer();
    c.pool = 0;
    assert_lies(&c);
    c = answer();
    strcpy(c.name, "WEB.demo.scaffold"); /* not as names are written */
    assert_lies(&c);
    strcpy(c.name, "nonsense");
    assert_lies(&c);
}

/* Such a name has no key, and can have but one id. */
static void a_name_that_certifies_itself(void **state)
{
    (void)state;
    struct sc_control c = {.message = SC_MSG_MAPPING,
                           .name = "web." HASH ".scaffold",
                           .service_count = 1,
                           .service = {service_id("web.demo.scaffold")},
                           .pool = 0xc6120003};
    struct sc_control q = by_name("web." HASH ".scaffold");
    assert_false(sc_mapping_fits(&c, &q));
    for (size_t i = 0; i < SC_PROVIDER_LEN; i++)
        c.service[0].bytes[i] = (uint8_t)(i * 17);
    assert_true(sc_mapping_fits(&c, &q));
    c.key[0] = 1;
    assert_false(sc_mapping_fits(&c, &q));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_asked_for),
        cmocka_unit_test(what_contradicts_itself),
        cmocka_unit_test(a_name_that_certifies_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
