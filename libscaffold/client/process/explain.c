#include "client/process/explain.h"

#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "local/ctl.h"
#include "scaffold/scaffold.h"

#define API __attribute__((visibility("default")))

static __thread struct {
    int error;
    int also;
    char text[SC_CTL_TEXT];
} last __attribute__((tls_model("initial-exec"))); /* no malloc at first use */

void sc_explain_forget(void)
{
    last.error = last.also = 0;
}

void sc_explain(int error, const char *text)
{
    last.error = error;
    last.also = 0;
    snprintf(last.text, sizeof last.text, "%.*s", SC_CTL_TEXT - 1, text);
}

void sc_explain_both(int error, int eai)
{
    last.error = error;
    last.also = eai;
}

/* How an attempt to reach a service ends, where scaffoldd gives the errno alone. */
static const char *meaning_of(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return "no instance serves it at this port, or every one refused; `scaffold status` on the "
               "service router lists what is served";
    case ETIMEDOUT:
        return "its instances do not answer; are their hosts up, and does UDP reach them?";
    case ENETUNREACH:
    case EHOSTUNREACH:
        return "the service router does not answer; is it running where --router says?";
    case ECONNRESET:
        return "the peer, or the scaffoldd of one of both hosts, has ended the flow";
    case EACCES:
        return "the host that serves it does not allow this";
    case ENOBUFS:
    case ENOMEM:
        return "scaffoldd has no room left; its log says for what";
    default:
        return NULL;
    }
}

/* NULL when nothing but the code is known. */
static const char *explanation_of(int error)
{
    if (error == 0 || (error != last.error && error != last.also))
        return NULL;
    return *last.text ? last.text : meaning_of(last.error);
}

API const char *scaffold_strerror(int error)
{
    const char *text = explanation_of(error);
    return text ? text : error < 0 ? gai_strerror(error) : strerror(error);
}

API const char *scaffold_version(void)
{
    return SCAFFOLD_VERSION;
}
