import Glibc

/// Processors this process may run on, asked once: the system looks it up in files each time.
let processorCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
