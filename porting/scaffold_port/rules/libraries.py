"""Functions and classes of libraries that open or accept connections by themselves: a program that
is ported does not port what it links."""

_FUNCTIONS = {
    "libcurl": "curl_easy_perform curl_multi_perform curl_multi_socket_action",
    "libcups": "httpConnect httpConnect2 httpConnectEncrypt cupsConnectDest",
    "libpq": "PQconnectdb PQconnectdbParams PQconnectStart PQconnectStartParams PQsetdbLogin",
    "MySQL's client library": "mysql_real_connect mysql_real_connect_start",
    "libldap": "ldap_initialize ldap_open ldap_init",
    "hiredis": "redisConnect redisConnectWithTimeout redisAsyncConnect",
    "libmemcached": "memcached_server_add memcached_server_push",
    "libzmq": "zmq_connect zmq_bind",
    "libcrypto": "BIO_new_connect BIO_new_accept",
    "librabbitmq": "amqp_socket_open amqp_socket_open_noblock",
    "libmosquitto": "mosquitto_connect mosquitto_connect_async",
    "Paho": "MQTTClient_connect MQTTAsync_connect",
    "Net-SNMP": "snmp_open snmp_sess_open",
    "libssh": "ssh_connect ssh_bind_listen",
    "neon": "ne_session_create",
    "libsoup": "soup_session_send soup_session_send_message soup_session_queue_message",
    "GIO": "g_socket_client_connect g_socket_client_connect_to_host g_socket_client_connect_async"
    " g_socket_client_connect_to_host_async g_socket_listener_add_inet_port",
    "libxml2": "xmlNanoHTTPOpen xmlNanoHTTPFetch xmlNanoFTPOpen",
    "libevent": "bufferevent_socket_connect bufferevent_socket_connect_hostname"
    " evconnlistener_new_bind evhttp_bind_socket",
    "libuv": "uv_tcp_connect uv_tcp_bind uv_udp_bind uv_udp_connect uv_getaddrinfo",
    "libtirpc": "clnt_create clnttcp_create clntudp_create svctcp_create svcudp_create"
    " svc_tli_create svc_tp_create pmap_set rpcb_set",
    "libmicrohttpd": "MHD_start_daemon",
    "libwebsockets": "lws_create_context lws_client_connect_via_info",
    "APR": "apr_socket_connect apr_socket_bind apr_socket_accept",
    "NSPR": "PR_Connect PR_Bind PR_Accept",
    "ENet": "enet_host_create enet_host_connect",
    "SDL_net": "SDLNet_TCP_Open SDLNet_UDP_Open SDLNet_ResolveHost",
    "nanomsg": "nn_connect nn_bind",
    "nng": "nng_dial nng_listen",
    "liblo": "lo_server_new lo_server_thread_new lo_address_new",
    "gSOAP": "soap_bind soap_accept soap_connect",
    "Qt Network": "QTcpSocket QTcpServer QUdpSocket QSslSocket QNetworkAccessManager",
    "POCO": "HTTPClientSession HTTPSClientSession SecureStreamSocket SecureServerSocket",
    "wxWidgets": "wxSocketClient wxSocketServer wxDatagramSocket",
}
_METHODS = {"Boost.Asio": "async_accept async_connect async_resolve"}
"""What is called on objects, whose types no name tells."""
OPENING = {
    name: library for library, names in (_FUNCTIONS | _METHODS).items() for name in names.split()
}
"""By function, or class: the library."""
OF_OBJECTS = frozenset(name for names in _METHODS.values() for name in names.split())
