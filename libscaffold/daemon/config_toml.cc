// The TOML side of config.h: the only C++ of the project, because the well-kept TOML parsers that
// Debian ships are C++ (docs/decisions/0002). It finds keys and values; what they must look like is
// config.c's.
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace
{

[[noreturn]] void not_toml()
{
    throw std::logic_error("this is not TOML");
}

} // namespace

// Malformed files can meet the parser's own assertions: none may abort scaffoldd.
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : not_toml())
#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

extern "C" {
#include "daemon/config.h"
}

namespace
{

// No configuration is longer, and what never ends is none.
constexpr size_t most = 1024 * 1024;

// The whole file, or what is wrong with it in `why`.
std::string read_all(const char *path, std::string &why)
{
    std::string text;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t n = fd < 0 || fstat(fd, &st) < 0 ? -1 : 1;
    if (n > 0 && S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        n = -1;
    }
    while (n > 0 && text.size() <= most) {
        char piece[4096];
        n = read(fd, piece, sizeof piece);
        if (n > 0)
            text.append(piece, static_cast<size_t>(n));
    }
    if (n < 0)
        why = std::strerror(errno);
    else if (text.size() > most)
        why = "longer than 1 MiB";
    if (fd >= 0)
        close(fd);
    return text;
}

unsigned line_of(const toml::node &node)
{
    return static_cast<unsigned>(node.source().begin.line);
}

// `text` keeps what the value points to.
struct sc_value value_of(const toml::node &node, std::string &text)
{
    struct sc_value v = {};
    v.type = sc_value::SC_VALUE_OTHER;
    if (auto s = node.as_string()) {
        text = s->get();
        v.type = sc_value::SC_VALUE_TEXT;
    } else if (auto i = node.as_integer()) {
        v.type = sc_value::SC_VALUE_NUMBER;
        v.number = i->get();
    } else if (auto b = node.as_boolean()) {
        v.type = sc_value::SC_VALUE_SWITCH;
        v.number = b->get();
    }
    v.text = text.c_str();
    v.len = text.size();
    return v;
}

void take_list(struct sc_config *c, const char *key, const toml::node &node, struct sc_problems *p)
{
    bool known = !std::strcmp(key, "uids") || !std::strcmp(key, "users") || !std::strcmp(key, "groups");
    const toml::array *list = node.as_array();
    if (!known)
        sc_problem(p, "%s:%u: unknown setting \"%.64s\" in [allow]; there are users, groups and uids",
                   c->file, line_of(node), key);
    else if (!list)
        sc_problem(p, "%s:%u: allow.%s: give a list, as in %s = [33]", c->file, line_of(node), key,
                   key);
    else
        for (const toml::node &item : *list) {
            std::string text;
            struct sc_value v = value_of(item, text);
            sc_config_allow(c, key, &v, line_of(item), p);
        }
}

void take_allow(struct sc_config *c, const toml::node &node, struct sc_problems *p)
{
    const toml::table *allow = node.as_table();
    if (!allow) {
        sc_problem(p, "%s:%u: allow must be a table: [allow]", c->file, line_of(node));
        return;
    }
    for (auto &&[key, value] : *allow)
        take_list(c, std::string(key.str()).c_str(), value, p);
}

void take_grants(struct sc_config *c, const toml::node &node, struct sc_problems *p)
{
    const toml::table *grants = node.as_table();
    if (!grants) {
        sc_problem(p, "%s:%u: grants must be a table: [grants]", c->file, line_of(node));
        return;
    }
    c->rights_listed = true;
    for (auto &&[key, value] : *grants) {
        std::string host(key.str());
        const toml::array *list = value.as_array();
        if (!list)
            sc_problem(p, "%s:%u: grants.%.64s: give a list, as in %.64s = [\"web.demo\"]", c->file,
                       line_of(value), host.c_str(), host.c_str());
        else
            for (const toml::node &item : *list) {
                std::string text;
                struct sc_value v = value_of(item, text);
                sc_config_grant(c, host.c_str(), &v, line_of(item), p);
            }
    }
}

void take(struct sc_config *c, const std::string &key, const toml::node &node,
          struct sc_problems *p)
{
    enum sc_setting s = sc_config_find_key(key.c_str());
    std::string text;
    struct sc_value v = value_of(node, text);
    if (key == "allow")
        take_allow(c, node, p);
    else if (key == "grants")
        take_grants(c, node, p);
    else if (s == SC_SETTINGS || std::strlen(key.c_str()) != key.size())
        sc_problem(p, "%s:%u: unknown setting \"%.64s\"; scaffoldd --help lists what there is",
                   c->file, line_of(node), key.c_str());
    else
        sc_config_set(c, s, &v, line_of(node), p);
}

} // namespace

extern "C" void sc_config_load(struct sc_config *c, struct sc_problems *p)
{
    try {
        std::string why, text = read_all(c->file, why);
        if (!why.empty()) {
            sc_problem(p, "%s: %s; give a readable file to --config", c->file, why.c_str());
            return;
        }
        toml::table table = toml::parse(text, std::string_view(c->file));
        for (auto &&[key, node] : table)
            take(c, std::string(key.str()), node, p);
    } catch (const toml::parse_error &e) {
        sc_problem(p, "%s:%u: %s", c->file, static_cast<unsigned>(e.source().begin.line),
                   std::string(e.description()).c_str());
    } catch (const std::exception &e) {
        sc_problem(p, "%s: %s", c->file, e.what());
    }
}
