/* What the simulator says of a bulk flow on a long path, for real ones to be compared with: Mbit/s
 * that its reader got in the first SECONDS, from the moment when it was opened.
 *
 *   predict CONTROL RATE_MBIT RTT_MS QUEUE_BDP LOSS SECONDS SEED */
#include <stdio.h>
#include <stdlib.h>

#include "sim/sim.h"

int main(int argc, char **argv)
{
    if (argc != 8)
        return 2;
    sc_time seconds = (sc_time)(atof(argv[6]) * 1e6);
    struct sim_link_config core =
        sim_path(atof(argv[2]), (sc_time)(atof(argv[3]) * 1e3), atof(argv[4]));
    struct sim_plan plan = {.client = {.send_len = UINT64_C(1) << 40, .congestion = argv[1]}};
    core.mtu = 1500;
    core.loss = atof(argv[5]);
    struct sim_world w = sim_world_new("long path", strtoull(argv[7], NULL, 10), 1, 1, &core);
    struct sim_talk *t = sim_connect(w.client[0], "web.demo.scaffold:80", &plan);
    sim_run_for(w.sim, seconds);
    double got = (double)t->server.received;
    printf("predicts %.3f\n", got * 8 / (double)seconds);
    int broken = w.sim->violation[0] != 0;
    sim_free(w.sim);
    return broken;
}
