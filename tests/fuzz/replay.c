/* Replays a fuzz target's corpus as an ordinary test, after an empty input: each argument is a file
 * or a folder of files. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fuzz.h"

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    if (!f || fstat(fileno(f), &st)) {
        perror(path);
        return 1;
    }
    /* Exactly as long as the input, so that a sanitizer sees a read beyond it. */
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size ? size : 1);
    size_t got = data ? fread(data, 1, size, f) : 0;
    fclose(f);
    if (data && got == size)
        LLVMFuzzerTestOneInput(data, size);
    free(data);
    return got != size;
}

static int replay_folder(DIR *folder, const char *path)
{
    int failed = 0, count = 0;
    for (struct dirent *e; (e = readdir(folder));) {
        char name[4096];
        if (e->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        failed |= replay_file(name);
        count++;
    }
    printf("%s: %d inputs\n", path, count);
    return failed | (count == 0);
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    LLVMFuzzerTestOneInput(NULL, 0); /* as libFuzzer always does first */
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        failed |= folder ? replay_folder(folder, argv[i]) : replay_file(argv[i]);
        if (folder)
            closedir(folder);
    }
    return failed;
}
