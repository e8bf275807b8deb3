import * as z from "zod";

const ProjectName = z.string().meta({
  description:
    "The name of the Pages project; in an account other than the configured one `<account id>:<name>`.",
  example: "blog",
});

export const ProjectParams = z.object({ project: ProjectName });

function withId(what: string): z.ZodObject<{ project: z.ZodString; id: z.ZodString }> {
  const id = z.string().meta({ description: `The id of the ${what}.` });
  return z.object({ project: ProjectName, id });
}

export const DeployParams = withId("deploy");
export const HookParams = withId("hook");
export const SubscriberParams = withId("subscriber");
export const DeliveryParams = SubscriberParams.extend({
  delivery: z.string().meta({ description: "The id of the delivery." }),
});
export const ScheduleParams = withId("schedule");
export const LockParams = withId("lock");
export const TokenParams = withId("token");
export const TrustParams = withId("trust rule");
export const AccessRuleParams = withId("access rule").pick({ id: true });
