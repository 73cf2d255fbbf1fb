// What a board on disk must look like: Grafana's own types, with enumerations as they are written in JSON.
import type * as bargauge from "SCHEMA/raw/composable/bargauge/panelcfg/x/types.gen";
import type * as dashboard from "SCHEMA/raw/dashboard/x/types.gen";
import type * as heatmap from "SCHEMA/raw/composable/heatmap/panelcfg/x/types.gen";
import type * as stat from "SCHEMA/raw/composable/stat/panelcfg/x/types.gen";
import type * as statetimeline from "SCHEMA/raw/composable/statetimeline/panelcfg/x/types.gen";
import type * as table from "SCHEMA/raw/composable/table/panelcfg/x/types.gen";
import type * as timeseries from "SCHEMA/raw/composable/timeseries/panelcfg/x/types.gen";

type Wire<T> = unknown extends T
  ? unknown
  : T extends string
    ? `${T}`
    : T extends (infer Item)[]
      ? Wire<Item>[]
      : T extends object
        ? { [Key in keyof T]: Wire<T[Key]> }
        : T;

type Defaults<Custom> = Omit<Wire<dashboard.FieldConfig>, "custom"> & { custom?: Partial<Wire<Custom>> };

type Property<Custom> = {
  id: (keyof dashboard.FieldConfig & string) | `custom.${keyof Custom & string}`;
  value?: unknown;
};

type Override<Custom> = { matcher: Wire<dashboard.MatcherConfig>; properties: Property<Custom>[] };

type Panel<Type, Options, Custom> = Omit<Wire<dashboard.Panel>, "type" | "options" | "fieldConfig"> & {
  type: Type;
  options: Partial<Wire<Options>>;
  fieldConfig: { defaults: Defaults<Custom>; overrides: Override<Custom>[] };
};

// What the Prometheus data source adds to an annotation.
type Annotation = Wire<dashboard.AnnotationQuery> & { expr: string; titleFormat: string; tagKeys: string; step: string };

export type AnyPanel =
  | Panel<"bargauge", bargauge.Options, {}>
  | Panel<"heatmap", heatmap.Options, heatmap.FieldConfig>
  | Panel<"stat", stat.Options, {}>
  | Panel<"state-timeline", statetimeline.Options, statetimeline.FieldConfig>
  | Panel<"table", table.Options, table.FieldConfig>
  | Panel<"timeseries", timeseries.Options, timeseries.FieldConfig>;

export type Board = Omit<Wire<dashboard.Dashboard>, "panels" | "annotations"> & { annotations: { list: Annotation[] } };

export type Row = Wire<dashboard.RowPanel>;
