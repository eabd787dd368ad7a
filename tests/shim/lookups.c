/* getaddrinfo_a of a list that names a service, a number and nothing at all; each way of hearing of
 * its end. Argument: the service's name. */
#define _GNU_SOURCE
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define COUNT 4

static struct gaicb requests[COUNT];
static struct gaicb *list[COUNT + 1];
static sem_t told;
static int told_value;

static void fill(char *name)
{
    memset(requests, 0, sizeof requests);
    requests[0] = (struct gaicb){.ar_name = name, .ar_service = "80"};
    requests[1] = (struct gaicb){.ar_name = "127.0.0.1", .ar_service = "81"};
    requests[2] = (struct gaicb){.ar_name = "bad..scaffold"};
    requests[3] = (struct gaicb){.ar_name = name, .ar_service = "no such port"};
    for (int i = 0; i < COUNT; i++)
        list[i] = &requests[i];
    list[COUNT] = NULL; /* is passed over */
}

static void show(const char *how, int result)
{
    printf("%s %d:", how, result);
    for (int i = 0; i < COUNT; i++) {
        char host[64] = "";
        struct addrinfo *found = requests[i].ar_result;
        if (found)
            getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof host, NULL, 0,
                        NI_NUMERICHOST);
        printf(" %d%s%.7s", gai_error(&requests[i]), *host ? "=" : "", host);
        if (found)
            freeaddrinfo(found);
    }
    printf("\n");
}

static void tell(union sigval value)
{
    told_value = value.sival_int;
    sem_post(&told);
}

/* Returns once the request that libc has is done. */
static void await(void)
{
    const struct gaicb *const all[] = {list[0], list[1], list[2], list[3]};
    while (gai_suspend(all, COUNT, NULL) == 0)
        ;
}

int main(int argc, char **argv)
{
    struct sigevent by_thread = {
        .sigev_notify = SIGEV_THREAD, .sigev_notify_function = tell, .sigev_value.sival_int = 7};
    struct sigevent by_signal = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 8};
    siginfo_t info;
    sigset_t set;
    if (argc < 2)
        return 2;
    sem_init(&told, 0, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    fill(argv[1]);
    show("waited", getaddrinfo_a(GAI_WAIT, list, COUNT + 1, NULL));
    fill(argv[1]);
    int result = getaddrinfo_a(GAI_NOWAIT, list, COUNT + 1, &by_thread);
    sem_wait(&told);
    await();
    show("thread", result);
    fill(argv[1]);
    result = getaddrinfo_a(GAI_NOWAIT, list, 1, &by_signal); /* only ours */
    sigwaitinfo(&set, &info);
    printf("signal %d %d, cancel %d\n", info.si_code == SI_ASYNCNL, info.si_value.sival_int,
           gai_cancel(list[0]) == EAI_ALLDONE);
    show("signal", result);
    printf("told %d, mode %d\n", told_value, getaddrinfo_a(99, list, 1, NULL) == EAI_SYSTEM);
    return 0;
}
