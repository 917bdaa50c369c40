import Glibc

/// Processors this process may run on.
func sysconfProcessors() -> Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
