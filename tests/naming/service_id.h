/* Ids of services for tests, by their names. */
#ifndef SC_TESTS_NAMING_SERVICE_ID_H
#define SC_TESTS_NAMING_SERVICE_ID_H

#include "naming/provider.h"
#include "wire/ids.h"

/* The key of an alias in the tests' networks, whose seed is zeros. */
void provider_key(const char *alias, uint8_t key[SC_KEY_LEN]);

/* The id of a service there, as in "web.demo.scaffold:80"; a name that is none fails the test. */
struct sc_service_id service_id(const char *name);

#endif
