import CLinux
import CofferCrypto
import CofferDiskControl
import CofferModel
import Glibc

/// Starts the parts in order, waits to be asked to end, and ends them in reverse.
func runDiskHost(_ settings: Settings) throws(Exit) {
    let log = Log()
    let lock = unsafe coffer_lock_file(settings.lockPath)
    guard lock >= 0 else {
        throw errno == EWOULDBLOCK
            ? Exit(75, "another coffer-diskd serves \(settings.data)")
            : Exit(73, "\(settings.lockPath): \(unsafe String(cString: strerror(errno)))")
    }
    harden(settings, log)
    do {
        try CryptoSelfTest.run()
    } catch {
        throw Exit(70, "the self-test of the cryptography failed: \(error)")
    }

    let parts = try Parts(settings, log)
    let control: DiskControlServer
    do {
        control = try DiskControlServer(path: settings.controlPath) { parts.perform($0) }
        control.start()
    } catch {
        throw Exit(73, error.message)
    }
    log.write("ready", [("data", settings.data), ("role", settings.role.rawValue), ("pid", String(getpid())), ("cipher", settings.engine.rawValue)])

    let signal = Shutdown.wait()
    log.write("stopping", [("signal", String(signal))])
    control.stop()
    parts.closeAll()
    log.write("stopped")
}

/// Keeps keys out of core dumps and swap, and this process out of its parent's fate.
private func harden(_ settings: Settings, _ log: Log) {
    coffer_set_limits()
    if coffer_forbid_dumps() != 0 { log.write("dumps-not-forbidden") }
    // Without an unlimited allowance a later thread could fail for want of lockable memory; secrets are locked one by one anyway.
    if coffer_may_lock_memory() == 0 || coffer_lock_memory() != 0 { log.write("memory-not-locked") }
    if !settings.isForeground { _ = setsid() }
    _ = unsafe chdir("/")
}

Shutdown.prepare()
_ = umask(0o077)
do {
    let settings = try Settings(Array(CommandLine.arguments.dropFirst()))
    try runDiskHost(settings)
} catch {
    let text = Array((error.status == 0 ? error.message : "coffer-diskd: \(error.message)\n").utf8)
    _ = unsafe text.withUnsafeBytes { unsafe write(error.status == 0 ? 1 : 2, $0.baseAddress, $0.count) }
    exit(error.status)
}
