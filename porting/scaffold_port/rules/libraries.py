"""Functions of libraries that open or accept connections by themselves: a program that is ported
does not port what it links."""

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
}
OPENING = {name: library for library, names in _FUNCTIONS.items() for name in names.split()}
"""By function: the library."""
