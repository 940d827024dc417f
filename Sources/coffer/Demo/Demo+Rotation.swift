import CofferModel
import Foundation

extension Demo {
    /// Step 3: a new version of the key reaches the disk within seconds, and no data is written again.
    func rotate() throws(DemoFailure) {
        try tools.json("az", [
            "disk-encryption-set", "update", "--name", setName, "--resource-group", group, "--key-url", keyID,
            "--source-vault", vaultName, "--auto-rotation", "true",
        ])
        let disk = try attach()
        let before = try inspect()
        let checksum = try dataChecksum()
        DemoTerminal.evidence("wrapped under, before", try wrappingKey(before))
        DemoTerminal.evidence("header generation", try text(before, "generation"))

        let rotated = try tools.json("az", ["keyvault", "key", "rotate", "--vault-name", vaultName, "-n", keyName])
        let newKey = try text(rotated, "key.kid")
        try DemoFailure.unless(newKey != keyID, "rotating made no new version")
        let started = Date()
        try waitForRewrap(to: newKey)
        DemoTerminal.evidence("header re-wrapped after", DemoServer.seconds(since: started))
        let set = try tools.json("az", ["disk-encryption-set", "show", "-n", setName, "-g", group])
        DemoTerminal.evidence("the set's active key", try text(set, "activeKey.keyUrl"))
        try DemoFailure.unless(try text(set, "activeKey.keyUrl") == newKey, "the disk encryption set does not name the new version")

        let after = try inspect()
        DemoTerminal.evidence("wrapped under, after", try wrappingKey(after))
        DemoTerminal.evidence("header generation", try text(after, "generation"))
        let checksumAfter = try dataChecksum()
        try DemoFailure.unless(checksumAfter == checksum, "rotating the key changed the data file")
        DemoTerminal.evidence("data file", "unchanged, not one byte")
        keyID = newKey
        try readCanary(disks: [disk])
        try detach()
    }

    private func waitForRewrap(to key: String) throws(DemoFailure) {
        let deadline = Date(timeIntervalSinceNow: 30)
        while try wrappingKey(try inspect(isShown: false)) != key {
            try DemoFailure.unless(Date() < deadline, "30 s after the rotation the disk is still wrapped under the old version")
            usleep(100_000)
        }
    }

    private func dataChecksum() throws(DemoFailure) -> String {
        let output = try succeed("sha256sum", [dataPath]).output
        let checksum = String(output.prefix { $0 != " " })
        DemoTerminal.evidence("data file's sha256", checksum)
        return checksum
    }
}
