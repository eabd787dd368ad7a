/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A web server on Mongoose: the files of a folder, and /echo.cgi, which says what it was asked.
 * Mongoose has no CGI, which its fork has kept.
 *
 * mongoose URL FOLDER
 */
#include <stdio.h>

#include "mongoose.h"

static void echo(struct mg_connection *c, struct mg_http_message *request)
{
    mg_http_reply(c, 200, "Content-Type: text/plain\r\n", "%.*s %.*s\n%.*s",
                  (int)request->method.len, request->method.buf, (int)request->query.len,
                  request->query.buf, (int)request->body.len, request->body.buf);
}

static void on_event(struct mg_connection *c, int event, void *data)
{
    struct mg_http_serve_opts options = {.root_dir = c->fn_data};
    if (event != MG_EV_HTTP_MSG)
        return;
    struct mg_http_message *request = data;
    if (mg_match(request->uri, mg_str("/echo.cgi"), NULL))
        echo(c, request);
    else
        mg_http_serve_dir(c, request, &options);
}

int main(int argc, char **argv)
{
    struct mg_mgr manager;
    if (argc != 3) {
        fprintf(stderr, "usage: %s URL FOLDER\n", argv[0]);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    mg_log_set(MG_LL_DEBUG);
    mg_mgr_init(&manager);
    if (!mg_http_listen(&manager, argv[1], on_event, argv[2]))
        return 1;
    for (;;)
        mg_mgr_poll(&manager, 1000);
}
