"""Before and after: what each rule finds, and what stands there when it is done."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """Statements of C; where `rewrite` makes the change it makes the second of the first."""

    before: str
    after: str


EXAMPLES = {
    "socket-family": Example(
        "s = socket(AF_INET, SOCK_STREAM, 0);",
        "s = scaffold_socket(AF_INET, SOCK_STREAM, 0);",
    ),
    "address-construction": Example(
        "inet_pton(AF_INET, option, &to->sin_addr);",
        "scaffold_inet_pton(AF_INET, option, &to->sin_addr);",
    ),
    "resolver-call": Example(
        "error = getaddrinfo(host, port, &hints, &list);",
        "error = scaffold_getaddrinfo(host, port, &hints, &list);",
    ),
    "address-size": Example(
        "char text[INET_ADDRSTRLEN];\nshow(text, INET_ADDRSTRLEN);",
        "char text[SCAFFOLD_ADDRSTRLEN];\nshow(text, SCAFFOLD_ADDRSTRLEN);",
    ),
    "address-printing": Example(
        "inet_ntop(AF_INET, &ip, text, sizeof(text));",
        "scaffold_inet_ntop(AF_INET, &ip, text, sizeof(text));",
    ),
    "socket-name": Example(
        "getpeername(s, address, &length);",
        "scaffold_getpeername(s, address, &length);",
    ),
    "bind-before-connect": Example(
        "if (bind(s, source, source_length) < 0)\n    fail();\nconnect(s, server, server_length);",
        "if (scaffold_bind(s, source, source_length) < 0)\n"
        "    warn(); /* a service has no use for the address */\n"
        "scaffold_connect(s, server, server_length);",
    ),
    "datagram-call": Example(
        "n = recvfrom(s, data, size, 0, client, &length);\nsendto(s, data, n, 0, client, length);",
        "n = scaffold_recvfrom(s, data, size, 0, client, &length);\n"
        "scaffold_sendto(s, data, n, 0, client, length);",
    ),
    "connection-call": Example(
        "listen(s, 5);\nclient = accept(s, NULL, NULL);",
        "scaffold_listen(s, 5);\nclient = scaffold_accept(s, NULL, NULL);",
    ),
    "checked-option": Example(
        "if (setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0)\n    warn();",
        "if (scaffold_setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0)\n    warn();",
    ),
    "port-logic": Example(
        "data.sin_port = htons(control_port + 1);",
        'scaffold_service_parse("data.files.acme.scaffold:21", &data);',
    ),
    "family-loop": Example(
        "hints.ai_family = AF_UNSPEC;\n"
        "getaddrinfo(NULL, port, &hints, &list);\n"
        "for (one = list; one != NULL; one = one->ai_next)\n"
        "    serve(one);",
        "hints.ai_family = AF_UNSPEC;\n"
        "scaffold_getaddrinfo(service, port, &hints, &list);\n"
        "serve(list); /* a service has one entry, of AF_INET */",
    ),
    "fork-server": Example(
        "client = accept(s, NULL, NULL);\nif (fork() == 0)\n    serve(client);\nclose(client);",
        "client = scaffold_accept(s, NULL, NULL);\n"
        "if (fork() == 0)\n"
        "    serve(client); /* the flow lives on in the child */\n"
        "close(client);",
    ),
    "non-blocking-connect": Example(
        "getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &length);",
        "scaffold_getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &length);",
    ),
    "partition": Example(
        "server = ketama_server(ring, key);\nconnect(s, server, server_length);",
        "partition = htonl(hash(key));\n"
        "memcpy(service.sc_service.bytes + 24, &partition, 4);\n"
        "scaffold_connect(s, (struct sockaddr *)&service, sizeof(service));",
    ),
}
"""By rule."""
