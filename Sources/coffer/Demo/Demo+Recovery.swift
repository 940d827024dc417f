import Foundation

extension Demo {
    /// Step 5: the data outlives Coffer. Only the exported key, the data file and stock Linux are used.
    func recover() throws(DemoFailure) {
        let key = directory.file("data.key")
        let holes = directory.file("data.holes")
        let export = diskArguments("export-key", "--output", key, "--holes", holes)
        let refused = try tools.run("coffer", export)
        try DemoFailure.unless(refused.status != 0, "the data key could be exported without the role for it")
        DemoTerminal.evidence("refused without the role", refused.complaint)
        try assign(
            role: "Coffer Disk Recovery Operator", to: try tools.exported("COFFER_PRINCIPAL_ID", "AZURE_OBJECT_ID"), scope: diskID
        )
        _ = try succeed("coffer", export)
        let mode = ((try? FileManager.default.attributesOfItem(atPath: key))?[.posixPermissions] as? NSNumber)?.intValue
        try DemoFailure.unless(mode == 0o600, "others may read the exported key")
        DemoTerminal.evidence("exported", "\(FileManager.default.contents(atPath: key)?.count ?? 0) bytes of key, mode 0600")
        try pad(key)
        try pad(holes)
        DemoTerminal.line("""
              The guest gets the data file as it is, the key on a second disk and the list of holes on a third, and runs:
              cryptsetup open --type plain --cipher aes-xts-plain64 --key-size 512 --sector-size 4096 --iv-large-sectors …
            """)
        try readCanary(
            disks: [
                .file(dataPath, serial: nil, isReadOnly: true), .file(key, serial: "coffer-key", isReadOnly: true),
                .file(holes, serial: "coffer-holes", isReadOnly: true),
            ],
            job: "dm-crypt-read"
        )
        try? FileManager.default.removeItem(atPath: key)
    }

    /// Makes a file as long as whole sectors, which a disk must be.
    private func pad(_ path: String) throws(DemoFailure) {
        let size = FileManager.default.contents(atPath: path)?.count ?? 0
        let sectors = max(1, (size + 4095) / 4096)
        try DemoFailure.unless(unsafe truncate(path, sectors * 4096) == 0, "\(path) cannot be padded")
    }
}
