/* Which descriptors the next program will have: whether services are among them. */
#ifndef SHIM_EXEC_PASS_H
#define SHIM_EXEC_PASS_H

#include <spawn.h>
#include <stdbool.h>

/* True when an exec now, after these actions (NULL: none), leaves a service's socket open in the
 * program that it starts. Asks the kernel about every descriptor. Writes no memory but its stack,
 * so that a child of vfork may ask; errno is kept. */
bool shim_passes_services(const posix_spawn_file_actions_t *actions);

/* True when this descriptor is a service's socket, whatever is remembered of it. errno is kept. */
bool shim_is_service(int fd);

#endif
