import Foundation

extension Demo {
    /// Step 4: who holds the key decides whether the machine has a disk.
    func revoke() throws(DemoFailure) {
        let disk = try attach()
        let guest = try DemoGuest(tools: tools, parameters: [(name: "job", value: "loop-io")], disks: [disk])
        DemoTerminal.evidence("guest, running", try guest.wait(for: "io=ok", count: 3, timeout: 60))

        try setKey(enabled: false)
        let started = Date()
        let error = try guest.wait(for: "io=error", count: 2, timeout: 60)
        DemoTerminal.evidence("guest, \(DemoServer.seconds(since: started)) later", error)
        guest.stop()
        _ = try guest.finish()
        try detach()
        let refused = try tools.run("coffer", diskArguments("attach", "--output", "json"))
        try DemoFailure.unless(refused.status != 0, "the disk could be attached with its key disabled")
        DemoTerminal.evidence("refused", refused.complaint)

        try setKey(enabled: true)
        try readCanary(disks: [try attach()])
        try detach()
    }

    private func setKey(enabled: Bool) throws(DemoFailure) {
        try tools.json("az", [
            "keyvault", "key", "set-attributes", "--vault-name", vaultName, "-n", keyName, "--enabled", String(enabled),
        ])
    }
}
