/* exec HOW SERVICE [FLAG...]: becomes this same program as `exec told`, or starts it, with the
 * environment A=b, which has nothing of the shim, and the listener of a service behind
 * descriptor 9. SERVICE: open, cloexec, or none. FLAG: vfork (between vfork and exec), preload (an
 * LD_PRELOAD of its own), no-preload (an empty one), settings (a SCAFFOLD_POOL of its own).
 *
 * HOW may be `elsewhere`: the program is seen from the folder that a file action names; `shells`:
 * two threads wait for shells, which end one after the other; `shell-and-set`: a variable is set
 * while one waits.
 *
 * exec told prints its environment, and the family that descriptor 9 has for it.
 * exec actions SEED COUNT: COUNT times posix_spawn with random file actions; each child says
 * whether a service's socket arrived, and whether the shim did. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FD 9
#define NUMBERS 14 /* file actions play with the descriptors 9 to 13 */

extern char **environ;
static char self[4096];

static int told(void)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    for (char **e = environ; *e; e++)
        puts(*e);
    if (getsockname(FD, (struct sockaddr *)&ss, &len) == 0)
        printf("family %d\n", ss.ss_family);
    return 0;
}

static ino_t inode_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? st.st_ino : 0;
}

static void listener(int at, int flags)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 5) < 0)
        perror("listen");
    dup3(fd, at, flags);
    close(fd);
}

/* --- the calls -------------------------------------------------------------------------------- */

static void wait_for(int failed, pid_t child)
{
    if (failed)
        printf("failed: %s\n", strerror(failed));
    else
        waitpid(child, NULL, 0);
}

static void copy(FILE *from)
{
    char line[4096];
    while (fgets(line, sizeof line, from))
        fputs(line, stdout);
    pclose(from);
}

static void elsewhere(char **argv, char **env)
{
    char folder[sizeof self];
    pid_t child = 0;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, dirname(strcpy(folder, self)));
    if (chdir("/") < 0)
        perror("/");
    wait_for(posix_spawn(&child, "./exec-program", &actions, NULL, argv, env), child);
}

/* --- shells and threads ---------------------------------------------------------------------- */

static int begun[2], go[2];

static void *wait_for_shell(void *unused)
{
    char command[64];
    snprintf(command, sizeof command, "echo >&%d; read x <&%d", begun[1], go[0]);
    system(command);
    return unused;
}

static pthread_t start_shell(void)
{
    pthread_t thread;
    char byte;
    pthread_create(&thread, NULL, wait_for_shell, NULL);
    read(begun[0], &byte, 1);
    return thread;
}

static void with_shells(int count, const char *command)
{
    pthread_t threads[2];
    pipe(begun);
    pipe(go);
    for (int i = 0; i < count; i++)
        threads[i] = start_shell();
    if (count == 1)
        setenv("NEW", "1", 1);
    else
        system(command);
    for (int i = 0; i < count; i++)
        write(go[1], "\n", 1);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    if (count == 1 && getenv("NEW") && setenv("A", "c", 1) == 0)
        printf("NEW=%s A=%s\n", getenv("NEW"), getenv("A"));
}

static void call(const char *how, char **env)
{
    char *argv[] = {"exec", "told", NULL};
    char command[4200];
    pid_t child = 0;
    int fd;
    snprintf(command, sizeof command, "exec '%s' told", self);
#define IS(name) (strcmp(how, name) == 0)
    if (IS("execve"))
        execve(self, argv, env);
    else if (IS("execvpe"))
        execvpe("exec-program", argv, env);
    else if (IS("execle"))
        execle(self, "exec", "told", NULL, env);
    else if (IS("fexecve"))
        fexecve(open(self, O_RDONLY | O_CLOEXEC), argv, env);
    else if (IS("execveat"))
        execveat(AT_FDCWD, self, argv, env, 0);
    else if (IS("execveat-empty") && (fd = open(self, O_PATH | O_CLOEXEC)) >= 0)
        execveat(fd, "", argv, env, AT_EMPTY_PATH);
    else if (IS("bad-path"))
        execve((char *)8, argv, env), perror("bad");
    else if (IS("bad-environment"))
        execve(self, argv, (char **)8), perror("bad");
    else if (IS("bad-variable"))
        execve(self, argv, (char *[]){"A=b", (char *)8, NULL}), perror("bad");
    else if (IS("by-number"))
        syscall(SYS_execve, self, argv, env);
    else if (IS("at-by-number"))
        syscall(SYS_execveat, AT_FDCWD, self, argv, env, 0);
    else if (IS("posix_spawn"))
        wait_for(posix_spawn(&child, "exec-program", NULL, NULL, argv, env), child);
    else if (IS("posix_spawnp"))
        wait_for(posix_spawnp(&child, "exec-program", NULL, NULL, argv, env), child);
    else if (IS("elsewhere"))
        elsewhere(argv, env);
    environ = env; /* as nginx does */
    if (IS("execv"))
        execv(self, argv);
    else if (IS("execvp"))
        execvp("./exec-program", argv);
    else if (IS("execl"))
        execl(self, "exec", "told", NULL);
    else if (IS("execlp"))
        execlp(self, "exec", "told", NULL);
    else if (IS("system"))
        system(command);
    else if (IS("popen"))
        copy(popen(command, "r"));
    else if (IS("shells"))
        with_shells(2, command);
    else if (IS("shell-and-set"))
        with_shells(1, command);
    if (environ != env && !IS("shell-and-set"))
        puts("another environment was left behind");
}

static int has_word(char **words, const char *word)
{
    for (; *words; words++)
        if (strcmp(*words, word) == 0)
            return 1;
    return 0;
}

static int call_with(char **words)
{
    char *env[5] = {"A=b"};
    int n = 1;
    if (has_word(words, "preload"))
        env[n++] = "LD_PRELOAD=libm.so.6";
    if (has_word(words, "no-preload"))
        env[n++] = "LD_PRELOAD=";
    if (has_word(words, "settings"))
        env[n++] = "SCAFFOLD_POOL=10.77.0.0/16";
    if (!has_word(words, "none"))
        listener(FD, has_word(words, "cloexec") ? O_CLOEXEC : 0);
    *strrchr(self, '/') = 0; /* paths may be relative, too */
    if (chdir(self) < 0)
        perror(self);
    strcat(self, "/exec-program");
    if (!has_word(words, "vfork")) {
        call(words[0], env);
    } else if (vfork() == 0) {
        call(words[0], env);
        _exit(1);
    }
    while (wait(NULL) > 0)
        ;
    return 0;
}

/* --- file actions ----------------------------------------------------------------------------- */

static int random_fd(void)
{
    return FD + rand() % (NUMBERS - FD);
}

static void add_action(posix_spawn_file_actions_t *a)
{
    int fd = random_fd();
    switch (rand() % 10) {
    case 0:
    case 1:
        posix_spawn_file_actions_addclose(a, fd);
        break;
    case 2:
        posix_spawn_file_actions_addopen(a, fd, "/dev/null", O_RDONLY, 0);
        break;
    case 3:
        posix_spawn_file_actions_addclosefrom_np(a, fd);
        break;
    case 4:
        posix_spawn_file_actions_addchdir_np(a, "/");
        break;
    default:
        posix_spawn_file_actions_adddup2(a, fd, random_fd());
    }
}

/* What each child has to look for: the inode numbers of the two sockets. */
static void set_numbers(char services[64])
{
    for (int fd = FD; fd < NUMBERS; fd++)
        dup3(open("/dev/null", O_RDONLY | O_CLOEXEC), fd, rand() % 2 ? O_CLOEXEC : 0);
    listener(FD + rand() % 2, rand() % 2 ? O_CLOEXEC : 0);
    listener(FD + 3, O_CLOEXEC);
    for (int fd = FD, at = 0; fd < NUMBERS; fd++)
        if (inode_of(fd))
            at += sprintf(services + at, "%lu ", (unsigned long)inode_of(fd));
}

static int arrived(const char *services)
{
    char number[32];
    int found = 0;
    for (int fd = 0; fd < 64; fd++) {
        sprintf(number, "%lu ", (unsigned long)inode_of(fd));
        found |= inode_of(fd) && strstr(services, number);
    }
    const char *preload = getenv("LD_PRELOAD");
    printf("service %d shim %d\n", found, preload && strstr(preload, "libscaffold_shim.so"));
    return 0;
}

/* A list that fails in the child (a duplicate of what is closed) is another one's turn. */
static int spawn_all(int count)
{
    char services[64], *env[] = {"A=b", NULL};
    char *argv[] = {"exec", "arrived", services, NULL};
    while (count > 0) {
        posix_spawn_file_actions_t a;
        pid_t child;
        posix_spawn_file_actions_init(&a);
        set_numbers(services);
        for (int i = rand() % 6; i > 0; i--)
            add_action(&a);
        if (posix_spawn(&child, self, &a, NULL, argv, env) == 0) {
            waitpid(child, NULL, 0);
            count--;
        }
        posix_spawn_file_actions_destroy(&a);
    }
    return 0;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    readlink("/proc/self/exe", self, sizeof self - 1);
    if (argc > 1 && strcmp(argv[1], "told") == 0)
        return told();
    if (argc > 2 && strcmp(argv[1], "arrived") == 0)
        return arrived(argv[2]);
    if (argc > 3 && strcmp(argv[1], "actions") == 0) {
        srand((unsigned)atoi(argv[2]));
        return spawn_all(atoi(argv[3]));
    }
    return call_with(argv + 1);
}
