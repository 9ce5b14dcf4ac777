/* replay.c: feeds every file of the folders given to a fuzz target: the main of a normal build. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static int replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    unsigned char *data = malloc(1 << 22);
    if (!f || !data)
        return 0;
    const size_t n = fread(data, 1, 1 << 22, f);
    fclose(f);
    unsigned char *exact = malloc(n + !n); /* so that the sanitizer sees the end */
    for (size_t i = 0; i < n; i++)
        exact[i] = data[i];
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    free(data);
    return 1;
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        for (struct dirent *e; d && (e = readdir(d));) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
            if (e->d_name[0] != '.')
                count += replay(path);
        }
        if (d)
            closedir(d);
    }
    printf("%d inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}
