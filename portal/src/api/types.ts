// The contract's shapes under the names the pages use. What the contract leaves open (`object`) is said here.
import type { components } from "./generated/schema";

type Schemas = components["schemas"];
type With<T, Known> = Omit<T, keyof Known> & Known;

export interface Money { amount: string; currency: string }
export interface List<T> { items: T[]; next_cursor?: string | null }
export interface Condition { type: string; status: string; reason: string; message: string; since: string }
export interface Isolation { driver: string; isolates: string[]; not_isolated: string[]; limits: string[]; not_limited: string[] }

export type Region = Schemas["RegionView"];
export type CatalogItem = With<Schemas["CatalogItem"], { price: Money; isolation: Isolation | null }>;
export type Offer = With<Schemas["Offer"], { price: Money }>;
export type Quote = Schemas["Quote"];
export type Named = Schemas["NamedRef"];
export type Session = With<Schemas["SessionAnswer"], { principal: { id: string; email: string; name: string; kind: string } | null }>;
export type Access = Schemas["AccessView"];
export type Allocation = With<Schemas["AllocationView"], {
  isolation: Isolation | null; refusal: { code: string; detail: string; offers: Offer[] } | null;
}>;
export type NodeTransition = Schemas["NodeTransition"];
export type Transition = Schemas["TransitionView"];
export type LaunchDraft = Schemas["LaunchDraftView"];
export type Member = Schemas["MemberView"];
export type Project = Schemas["ProjectView"];
export type SshKey = Schemas["SshKeyView"];
export type ApiKey = Schemas["ApiKeyView"];
export type NewApiKey = Schemas["NewApiKeyView"];
export type Volume = Schemas["VolumeView"];
export type Bucket = Schemas["BucketView"];
export type BucketKey = Schemas["BucketKeyView"];
export type NewBucketKey = Schemas["NewBucketKeyView"];
export type App = Schemas["AppView"];
export type AppParameter = Schemas["ParameterView"];
export type Instance = Schemas["InstanceView"];
export type Model = Schemas["ModelView"];
export type OfferedModel = Schemas["AdminModelView"];
export type ModelRoute = Schemas["RouteView"];
export type TokenUsage = Schemas["TokenUsage"];
export type Upstream = Schemas["UpstreamView"];
export type Gateway = Schemas["GatewayView"];
export type NewGatewayToken = Schemas["NewGatewayToken"];
export type Quota = Schemas["QuotaView"];
export type Wallet = Schemas["Wallet"];
export type Statement = Schemas["Statement"];
export type StatementLine = Schemas["StatementLine"];
export type AuditEntry = Schemas["AuditEntryView"];
export type AuditVerification = Schemas["AuditVerification"];
export type DeadLetter = Schemas["DeadLetterView"];
export type DeadLetterDetail = Schemas["DeadLetterDetailView"];
export type Webhook = With<Schemas["WebhookView"], { conditions: Condition[] }>;
export type NewWebhook = Schemas["NewWebhookView"];
export type EventType = Schemas["EventTypeView"];
export type Delivery = Schemas["DeliveryView"];
export type ReadCache = Schemas["ReadCacheView"];
export type Slo = Schemas["SloStatusView"];
export type Preference = Schemas["PreferenceView"];
export type Certificate = Schemas["CertificateView"];
export type DomainInfo = Schemas["DomainView"];
export type Tenant = Schemas["TenantView"];
export type Incident = Schemas["IncidentView"];
export type Evidence = Schemas["EvidenceView"];
export type IncidentDetail = Schemas["IncidentDetail"];
export type IncidentStep = Schemas["IncidentStep"];
export type Runbook = Schemas["RunbookView"];
export type Telemetry = Schemas["TelemetryView"];
export type TelemetrySeries = Schemas["SeriesView"];
export type Health = Schemas["HealthView"];
export type Price = Schemas["PriceRecord"];
export type BootstrapToken = Schemas["BootstrapTokenView"];
export type Network = Schemas["NetworkView"];
export type NetworkAttachment = Schemas["AttachmentView"];
export type SecurityRule = Schemas["RuleWrite"];
export type SecurityGroup = Schemas["SecurityGroupView"];
export type PublishedPort = Schemas["PublishedPortView"];
export type ProblemDetails = Pick<Schemas["Problem"], "type" | "title" | "status" | "code"> & Partial<Schemas["Problem"]>;

// Built as JSON in SQL, so the contract gives no fields for these.
export interface Gpu { vendor: string; model: string; uuid: string; memory_bytes: number }
export interface Node {
  id: string; name: string; region_id: string; simulated: boolean; generation: number; state: string; state_since: string;
  service: "in_service" | "draining" | "emptying" | "maintenance" | "returning"; desired_service: "in_service" | "maintenance";
  drain: { deadline_at: string; reason: string; requested_at: string; requested_by: string } | null; conditions: Condition[]; created_at: string;
  last_seen_at: string | null; agent_version: string | null;
  slots: { total: number; occupied: number; available: number; quarantined: number };
  inventory: { hostname: string; os: string; kernel: string; cpus: number; memory_bytes: number; disk_bytes: number; gpus: Gpu[]; isolation?: Isolation } | null;
}
export interface Slot {
  id: string; node_id: string; index: number; sku: string; state: string; allocation_id: string | null;
  last_allocation_id: string | null; updated_at: string;
}
