/* A management library without GPUs: it says what the file $FAKE_NVML says, read anew each time.

   gpu UUID MODEL TOTAL RESERVED USED        a GPU
   part UUID MODEL TOTAL RESERVED USED       an instance of the last GPU, which is partitioned
   process PID BYTES                         on the last device; BYTES "?" for not told
   held FOLDER                               what processes hold of the last device: a file for each,
                                             named by its id, with the bytes; the dead hold nothing
   errors COUNT, remap PENDING FAILED        of the last GPU; otherwise it does not have them
   lost                                      the last GPU does not answer                     */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, LOST = 15 };
enum { MOST = 16 };
typedef unsigned long long bytes_t;
typedef struct { unsigned pid; bytes_t used; unsigned gpu, compute; } process_t;
typedef struct { unsigned version; bytes_t total, reserved, free, used; } memory_t;
typedef struct {
    char uuid[96], model[96];
    bytes_t total, reserved, used;
    int parent, parts, errors, pending, failed, lost, count;
    process_t processes[MOST];
} device_t;

static device_t devices[MOST];
static int count;

static void read_held(device_t *device, const char *folder) {
    char path[1024];
    struct dirent *entry;
    DIR *all = opendir(folder);
    while (all && (entry = readdir(all)) && device->count < MOST) {
        process_t *process = &device->processes[device->count];
        FILE *file;
        process->pid = strtoul(entry->d_name, NULL, 10);
        process->used = 0;
        snprintf(path, sizeof path, "/proc/%u/exe", process->pid);
        if (!process->pid || readlink(path, path, 1) < 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (!(file = fopen(path, "r"))) continue;
        if (fscanf(file, "%llu", &process->used) == 1 && process->used) {
            device->used += process->used;
            device->count++;
        }
        fclose(file);
    }
    if (all) closedir(all);
}

static int read_script(void) {
    FILE *file = fopen(getenv("FAKE_NVML"), "r");
    char line[1024], size[32];
    int gpu = -1;
    if (!file) return -1;
    count = 0;
    while (fgets(line, sizeof line, file)) {
        device_t *last = count ? &devices[count - 1] : devices, *new = &devices[count];
        int part = !strncmp(line, "part ", 5);
        if (part || !strncmp(line, "gpu ", 4)) {
            memset(new, 0, sizeof *new);
            new->errors = new->pending = -1;
            sscanf(strchr(line, ' '), "%95s %95s %llu %llu %llu", new->uuid, new->model,
                   &new->total, &new->reserved, &new->used);
            if (part) devices[gpu].parts++; else gpu = count;
            new->parent = part ? gpu : -1;
            count++;
        } else if (!strncmp(line, "process ", 8)) {
            process_t *process = &last->processes[last->count++];
            sscanf(line, "process %u %31s", &process->pid, size);
            process->used = *size == '?' ? ~0ULL : strtoull(size, NULL, 10);
        } else if (!strncmp(line, "held ", 5)) {
            line[strcspn(line, "\n")] = 0;
            read_held(last, line + 5);
        } else if (!strncmp(line, "errors ", 7)) {
            sscanf(line, "errors %d", &last->errors);
        } else if (!strncmp(line, "remap ", 6)) {
            sscanf(line, "remap %d %d", &last->pending, &last->failed);
        } else if (!strncmp(line, "lost", 4)) {
            last->lost = 1;
        }
    }
    fclose(file);
    return 0;
}

static int nth(int parent, unsigned index, void **handle) {
    read_script();
    for (int i = 0; i < count; i++)
        if (devices[i].parent == parent && index-- == 0) {
            *handle = &devices[i];
            return SUCCESS;
        }
    return NOT_FOUND;
}

static int check(device_t *device) {
    read_script();
    return device->lost ? LOST : SUCCESS;
}

int nvmlInitWithFlags(unsigned flags) { return read_script() ? 9 : SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { return code == LOST ? "GPU is lost" : "scripted error"; }

int nvmlDeviceGetCount_v2(unsigned *number) {
    read_script();
    *number = 0;
    for (int i = 0; i < count; i++) *number += devices[i].parent < 0;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) { return nth(-1, index, handle); }

int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
    read_script();
    for (int i = 0; i < count; i++)
        if (!strcmp(devices[i].uuid, uuid)) {
            *handle = &devices[i];
            return devices[i].lost ? LOST : SUCCESS;
        }
    return NOT_FOUND;
}

int nvmlDeviceGetUUID(device_t *device, char *text, unsigned size) {
    strncpy(text, device->uuid, size);
    return check(device);
}

int nvmlDeviceGetName(device_t *device, char *text, unsigned size) {
    strncpy(text, device->model, size);
    return check(device);
}

int nvmlDeviceGetMemoryInfo_v2(device_t *device, memory_t *memory) {
    int code = check(device);
    memory->total = device->total;
    memory->reserved = device->reserved;
    memory->used = device->used;
    memory->free = device->total - device->reserved - device->used;
    return code;
}

int nvmlDeviceGetComputeRunningProcesses_v3(device_t *device, unsigned *number, process_t *found) {
    int code = check(device), room = *number;
    *number = device->count;
    if (code == SUCCESS && device->count > room) return INSUFFICIENT_SIZE;
    if (found) memcpy(found, device->processes, device->count * sizeof *found);
    return code;
}

int nvmlDeviceGetMigMode(device_t *device, unsigned *current, unsigned *pending) {
    int code = check(device);
    if (!device->parts) return NOT_SUPPORTED;
    *current = *pending = 1;
    return code;
}

int nvmlDeviceGetMaxMigDeviceCount(device_t *device, unsigned *number) {
    *number = 7;
    return check(device);
}

int nvmlDeviceGetMigDeviceHandleByIndex(device_t *device, unsigned index, void **handle) {
    return nth((int)(device - devices), index, handle);
}

int nvmlDeviceGetTotalEccErrors(device_t *device, int kind, int since, bytes_t *number) {
    int code = check(device);
    if (device->errors < 0 || kind != 1 || since != 0) return NOT_SUPPORTED;
    *number = device->errors;
    return code;
}

int nvmlDeviceGetRemappedRows(device_t *device, unsigned *corrected, unsigned *uncorrected,
                              unsigned *pending, unsigned *failed) {
    int code = check(device);
    if (device->pending < 0) return NOT_SUPPORTED;
    *corrected = *uncorrected = 0;
    *pending = device->pending;
    *failed = device->failed;
    return code;
}
