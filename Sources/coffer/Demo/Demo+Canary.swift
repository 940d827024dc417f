import Foundation

extension Demo {
    /// Step 2: a guest writes what nobody else may read, and the host looks for it.
    func writeCanary() throws(DemoFailure) {
        let parameters = [(name: "job", value: "write-canary"), (name: "canary", value: canary)]
        DemoTerminal.line("  The guest makes a file system, writes \(canary) many times, syncs and powers off.")
        let disk = try attach()
        let said = try DemoGuest(tools: tools, parameters: parameters, disks: [disk]).succeed()
        canaryChecksum = said["sha256"] ?? ""
        DemoTerminal.evidence("guest wrote", "\(said["lines"] ?? "?") canary lines, sha256 \(canaryChecksum.prefix(16))…")
        try readCanary(disks: [disk])
        try detach()
        try lookForCanary(in: directory.data, shouldFind: false)

        DemoTerminal.line("  The same guest on a file that nobody encrypts, to see that the search can find:")
        let plain = directory.file("plain.raw")
        try DemoFailure.unless(FileManager.default.createFile(atPath: plain, contents: nil), "\(plain) cannot be written")
        try DemoFailure.unless(unsafe truncate(plain, 1 << 30) == 0, "\(plain) cannot be made")
        let file = DemoGuest.Disk.file(plain, serial: nil, isReadOnly: false)
        _ = try DemoGuest(tools: tools, parameters: parameters, disks: [file]).succeed()
        try lookForCanary(in: plain, shouldFind: true)
        try? FileManager.default.removeItem(atPath: plain)
    }

    private func lookForCanary(in path: String, shouldFind: Bool) throws(DemoFailure) {
        let search = try CanarySearch(for: canary, in: path)
        let extent = "\(search.fileCount) files, \(search.byteCount / 1_000_000) MB"
        DemoTerminal.evidence("searched every byte of", "\(path) (\(extent)): \(search.hitCount) hits")
        if shouldFind {
            try DemoFailure.unless(search.hitCount > 0, "the search found nothing where there is something to find")
        } else {
            try DemoFailure.unless(search.hitCount == 0, "the canary is in the clear in \(search.filesWithHits.joined(separator: ", "))")
            try DemoFailure.unless(search.byteCount > 0, "there was nothing to search in \(path)")
        }
    }
}
