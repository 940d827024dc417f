// mimalloc takes the place of the C library's malloc for the whole process, by being linked.
#include <mimalloc.h>
