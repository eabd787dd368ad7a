/* Ids of services for tests, by their names. */
#ifndef SC_TESTS_NAMING_SERVICE_ID_H
#define SC_TESTS_NAMING_SERVICE_ID_H

#include "wire/ids.h"

/* The id of a service, as in "web.demo.scaffold:80"; a name that is none fails the test. */
struct sc_service_id service_id(const char *name);

#endif
