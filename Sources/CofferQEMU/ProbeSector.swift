import FoundationEssentials

/// A boot sector that ends QEMU with a status of its own if the processor runs 64-bit code as it should. Its source is `guest/probe/probe.S`.
enum ProbeSector {
    /// QEMU's exit status if all went well: `isa-debug-exit` makes it of the 42 that the program writes.
    static let success: Int32 = 85
    /// The port that the program writes to.
    static let port = 0xF4

    /// 512 bytes.
    static let bytes: [UInt8] = {
        let code = Array(Data(base64Encoded: text) ?? Data())
        return code + [UInt8](repeating: 0, count: max(0, 510 - code.count)) + [0x55, 0xAA]
    }()

    private static let text =
        "+vwxwI7YjsCO0LwAfL8AELkAGPOrxwYAEAMgxwYAIAMwxwYAMIMAZrgAEAAADyLYDyDgZg0gAgAADyLgZrmAAADADzJmDQABAAAPMA8BFth8DyDAZg0BAACA"
            + "DyLA6mJ8CAC4EAAAAI7YjsCO0L4QJwAAvwCAAAAxwDHSSIkHSIlHCEiNWAFIjUoC8EgPxw91J0iLB0iLVwhIOdh1G0g5ynUW/8513GYPbwdmSA9+wEg52HUE"
            + "sCrm9LAB5vT06/2QAAAAAAAAAAAAAAAAAJogAAAAAAAAkgAAFwDAfA=="
}
