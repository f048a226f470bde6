/* Shuts a file system down as a power cut does: FS_IOC_SHUTDOWN with the flags given. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int dir = open(argv[1], O_RDONLY | O_DIRECTORY);
    unsigned flags = (unsigned)atoi(argv[2]);
    if (dir < 0 || ioctl(dir, _IOR('X', 125, unsigned), &flags) != 0) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
