/* libscaffold_shim.so where libc is glibc: a library without code, a filter (DT_FILTER) for
 * libscaffold_shim_glibc.so beside it, which glibc's loader puts in its place. musl's loader knows
 * no filters: it loads this one, and the program runs without the shim, where it would end for want
 * of glibc's names. */
