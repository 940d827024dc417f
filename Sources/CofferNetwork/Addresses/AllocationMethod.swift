/// How an address is given: by the network, or by who asks for it.
enum AllocationMethod: String, CaseIterable {
    case dynamic = "Dynamic"
    case `static` = "Static"
}
