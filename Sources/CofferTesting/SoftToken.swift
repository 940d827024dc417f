import CofferCore
import Foundation
import Glibc

/// Tokens of SoftHSM in a directory of this process, made before the module is first used: it reads its settings once.
package enum SoftToken {
    package static let module = "/usr/lib/softhsm/libsofthsm2.so"
    package static let pin = "4711-0815"

    /// Labels of the tokens. Logins belong to a token and a process, so tests that meddle with them have one of their own.
    package static let shared = "coffer"
    package static let fragile = "fragile"
    package static let locked = "locked"
    package static let rooted = "rooted"
    package static let vaults = "vaults"

    /// Whether the tokens are there; the reason if not is printed by softhsm2-util.
    package static let isReady: Bool = {
        let directory = FileManager.default.temporaryDirectory.appending(path: "coffer-softhsm-\(getpid())")
        let settings = directory.appending(path: "softhsm2.conf")
        do {
            try FileManager.default.createDirectory(at: directory.appending(path: "tokens"), withIntermediateDirectories: true)
            try Data("directories.tokendir = \(directory.path())/tokens\nobjectstore.backend = file\nlog.level = ERROR\n".utf8).write(to: settings)
            unsafe setenv("SOFTHSM2_CONF", settings.path(), 1)
            for label in [shared, fragile, locked, rooted, vaults] {
                let made = try ToolProcess.run(
                    ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", pin])
                guard made.status == 0 else {
                    print(made.text)
                    return false
                }
            }
            return true
        } catch {
            return false
        }
    }()
}
