// The TOML side of config.h: the only C++ of the project, because the well-kept TOML parsers that
// Debian ships are C++ (docs/decisions/0002).
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <unistd.h>

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

extern "C" {
#include "daemon/config.h"
}

namespace
{

struct wrong {
    std::string line;
};

[[noreturn]] void fail(const char *path, const toml::source_region &at, const std::string &what)
{
    throw wrong{std::string(path) + ":" + std::to_string(at.begin.line) + ": " + what};
}

template <size_t N>
void take_string(char (&out)[N], const char *path, const std::string &key, const toml::node &node)
{
    auto text = node.value<std::string>();
    if (!text || !node.is_string())
        fail(path, node.source(), key + " must be a string in quotes");
    if (text->size() >= N)
        fail(path, node.source(), key + " is longer than " + std::to_string(N - 1) + " bytes");
    std::memcpy(out, text->c_str(), text->size() + 1);
}

int64_t take_int(const char *path, const std::string &key, const toml::node &node, int64_t low,
                 int64_t high)
{
    auto value = node.value<int64_t>();
    if (!node.is_integer() || !value || *value < low || *value > high)
        fail(path, node.source(),
             key + " must be a number from " + std::to_string(low) + " to " + std::to_string(high));
    return *value;
}

bool take_bool(const char *path, const std::string &key, const toml::node &node)
{
    auto value = node.value<bool>();
    if (!node.is_boolean() || !value)
        fail(path, node.source(), key + " must be true or false");
    return *value;
}

void take_allow(struct sc_config *c, const char *path, const toml::node &node)
{
    const toml::array *list = node.as_array();
    if (!list)
        fail(path, node.source(), "allow.uids must be a list of numbers, or [\"*\"] for all");
    for (const toml::node &item : *list) {
        if (item.is_string() && item.value<std::string>() == "*") {
            c->allow_all = true;
            continue;
        }
        if (c->allow_count == SC_ALLOW_MAX)
            fail(path, node.source(), "allow.uids has more than " +
                                          std::to_string(SC_ALLOW_MAX) + " entries");
        c->allow[c->allow_count++] =
            static_cast<uint32_t>(take_int(path, "allow.uids", item, 0, UINT32_MAX));
    }
}

void take(struct sc_config *c, const char *path, const std::string &key, const toml::node &node)
{
    char text[64];
    if (key == "runtime_dir")
        take_string(c->runtime_dir, path, key, node);
    else if (key == "state_dir")
        take_string(c->state_dir, path, key, node);
    else if (key == "name")
        take_string(c->host_name, path, key, node);
    else if (key == "router")
        take_string(c->router, path, key, node);
    else if (key == "listen")
        take_string(c->listen, path, key, node);
    else if (key == "congestion")
        take_string(c->congestion, path, key, node);
    else if (key == "port")
        c->port = static_cast<int>(take_int(path, key, node, 0, 65535));
    else if (key == "idle_exit")
        c->idle_exit_s = static_cast<int>(take_int(path, key, node, 0, 86400));
    else if (key == "insecure_network")
        c->insecure_network = take_bool(path, key, node);
    else if (key == "require_verified")
        c->require_verified = take_bool(path, key, node);
    else if (key == "log") {
        take_string(text, path, key, node);
        if (sc_log_parse_level(text, &c->log_level) < 0)
            fail(path, node.source(), "log must be error, warn, info or debug");
    } else if (key == "pool") {
        take_string(text, path, key, node);
        if (sc_pool4_parse(text, &c->pool) < 0)
            fail(path, node.source(), "pool must look like 198.18.0.0/15, with 8 to 30 bits");
    } else
        fail(path, node.source(),
             "unknown setting \"" + key + "\"; scaffoldd --help lists what there is");
}

} // namespace

extern "C" int sc_config_load(struct sc_config *c, const char *path, char *why, size_t size)
{
    try {
        if (access(path, R_OK) != 0)
            throw wrong{std::string(path) + ": " + std::strerror(errno) +
                        "; give a readable file to --config"};
        toml::table table = toml::parse_file(path);
        for (auto &&[key, node] : table) {
            std::string name(key.str());
            if (name != "allow") {
                take(c, path, name, node);
                continue;
            }
            const toml::table *allow = node.as_table();
            if (!allow)
                fail(path, node.source(), "allow must be a table: [allow]");
            for (auto &&[sub, value] : *allow) {
                if (sub.str() != "uids")
                    fail(path, value.source(), "unknown setting in [allow]; there is: uids");
                take_allow(c, path, value);
            }
        }
        return 0;
    } catch (const wrong &w) {
        std::snprintf(why, size, "%s", w.line.c_str());
    } catch (const toml::parse_error &e) {
        std::string text(e.description());
        std::snprintf(why, size, "%s:%u: %s", path, static_cast<unsigned>(e.source().begin.line),
                      text.c_str());
    } catch (const std::exception &e) {
        std::snprintf(why, size, "%s: %s", path, e.what());
    }
    return -1;
}
